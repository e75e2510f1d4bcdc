"""Names and scores of threat-intelligence objects, as feeds give them to the server. Data only."""


class ThreatIntel:
    """What feeds call the objects of STIX, and how bad each is by itself."""

    class ObjectsNames:
        """Names of the objects."""

        CAMPAIGN = "Campaign"
        ATTACK_PATTERN = "Attack Pattern"
        REPORT = "Report"
        MALWARE = "Malware"
        COURSE_OF_ACTION = "Course of Action"
        INTRUSION_SET = "Intrusion Set"
        TOOL = "Tool"
        THREAT_ACTOR = "Threat Actor"
        INFRASTRUCTURE = "Infrastructure"
        TACTIC = "Tactic"

    class ObjectsScore:
        """Scores of the objects: 0 unknown, 2 suspicious, 3 bad."""

        CAMPAIGN = 3
        ATTACK_PATTERN = 2
        REPORT = 3
        MALWARE = 3
        COURSE_OF_ACTION = 0
        INTRUSION_SET = 3
        TOOL = 2
        THREAT_ACTOR = 3
        INFRASTRUCTURE = 2
        TACTIC = 0

    class KillChainPhases:
        """Names of the steps of an attack."""

        BUILD_CAPABILITIES = "Build Capabilities"
        PRIVILEGE_ESCALATION = "Privilege Escalation"
        ADVERSARY_OPSEC = "Adversary Opsec"
        CREDENTIAL_ACCESS = "Credential Access"
        EXFILTRATION = "Exfiltration"
        LATERAL_MOVEMENT = "Lateral Movement"
        DEFENSE_EVASION = "Defense Evasion"
        PERSISTENCE = "Persistence"
        COLLECTION = "Collection"
        IMPACT = "Impact"
        INITIAL_ACCESS = "Initial Access"
        DISCOVERY = "Discovery"
        EXECUTION = "Execution"
        INSTALLATION = "Installation"
        DELIVERY = "Delivery"
        WEAPONIZATION = "Weaponization"
        ACT_ON_OBJECTIVES = "Actions on Objectives"
        COMMAND_AND_CONTROL = "Command \u0026 Control"
        RECONNAISSANCE = "Reconnaissance"
