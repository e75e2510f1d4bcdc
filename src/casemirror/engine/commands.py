"""Build one command of an instance and run it: parameters, secrets, state and files in; the reply out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from casemirror.content import params as parameters
from casemirror.content.catalog import Catalog
from casemirror.content.items import Integration
from casemirror.engine import budgeting, interpreters
from casemirror.engine.app import App
from casemirror.engine.pack_scripts import PackScripts
from casemirror.mapping import objects, transform_language
from casemirror.mapping.outside import Outside
from casemirror.mapping.value import FAILURES, absent
from casemirror.model.entry import Entry
from casemirror.model.errors import NotFound
from casemirror.model.incident import Incident
from casemirror.model.instance import Instance
from casemirror.model.link import Link
from casemirror.model.policies import Policies
from casemirror.model.settings import Settings
from casemirror.runtime import wire
from casemirror.runtime.command import Code, Command, HostCalls, Reply, StagedFile, Stop
from casemirror.runtime.masking import secret_texts
from casemirror.store import content_items, entries, files, instances, policies, users


@dataclass(frozen=True, kw_only=True)
class Caller:
    """An instance that is ready to run commands."""

    app: App
    instance: Instance
    integration: Integration
    catalog: Catalog
    settings: Settings
    policies: Policies = Policies()

    def run(
        self,
        name: str,
        args: Mapping[str, Any],
        *,
        incident: Incident | None = None,
        link: Link | None = None,
        files: tuple[StagedFile, ...] = (),
        timeout_s: float | None = None,
        debug: bool = False,
        also: HostCalls | None = None,
        stop: Stop | None = None,
    ) -> Reply:
        """Run one command to its end. The caller reads the reply by `wire` and discards it. Raises EnvironmentMissing.

        also       what only this command may ask the server for: `create_incidents`, `tell_health`
        stop       lets another thread end it
        incident   the one in whose context it runs (`demisto.investigation()`); None: the playground
        """
        with self.app.store.read() as tx:
            fresh = instances.load(tx, self.instance.id)
            secrets = instances.secrets(tx, fresh.id)
            context, version = instances.context(tx, fresh.id)
        full = parameters.full(self.integration, fresh.params, secrets)
        code = self.code()
        reply = self.app.runtime.run(
            Command(
                code=code,
                name=name,
                args=args,
                params=full,
                instance=fresh.name,
                brand=self.integration.id,
                last_run=fresh.last_run,
                last_mirror_run=fresh.last_mirror_run,
                context=context,
                context_version=version,
                investigation=wire.investigation_json(incident) if incident else {"id": "playground"},
                files=files,
                host=self._host()
                if also is None
                else replace(self._host(), create_incidents=also.create_incidents, tell_health=also.tell_health),
                secrets=tuple(secret_texts(secrets)),
                timeout_s=self.settings.seconds("mirror.command.timeout") if timeout_s is None else timeout_s,
                memory_bytes=self.settings.count("runtime.memory"),
                egress=fresh.egress or None,
                debug=debug,
                stop=stop,
            )
        )
        budgeting.book(self.app, fresh, budgeting.credential(self.app, fresh, full, secrets), reply)
        return interpreters.explained(self, code, reply)

    def code(self) -> Code:
        """The executable part, with the interpreter that it needs. Raises EnvironmentMissing."""
        return interpreters.fit(self, code_of(self.integration, self.catalog))

    def _host(self) -> HostCalls:
        store, instance_id = self.app.store, self.instance.id

        def set_context(context: Any, version: int) -> int:
            with store.write() as tx:
                return instances.set_context(tx, instance_id, context, version)

        def get_context() -> tuple[Any, int]:
            with store.read() as tx:
                return instances.context(tx, instance_id)

        def find_user(by: Mapping[str, str]) -> Mapping[str, Any]:
            with store.read() as tx:
                return users.find(tx, username=by.get("username", ""), email=by.get("email", "")) or {}

        def map_object(source: Any, reference: str, incident_type: str) -> Mapping[str, Any]:
            mapper = self.catalog.find_mapper(reference)
            if mapper is None:
                raise ValueError(f"no mapper {reference!r} is installed")
            return objects.map_object(_parsed(source), mapper, incident_type, self.catalog, self.outside())

        def transform(source: Any, expression: str) -> Any:
            try:
                found = transform_language.evaluate(expression, source, self.app.clock.now())
            except FAILURES as error:
                raise ValueError(f"{expression!r} cannot be evaluated: {error}") from error
            return None if absent(found) else found

        def pack_version(name: str) -> str:
            with store.read() as tx:
                return content_items.version(tx, name, "integration", self.integration.id)

        def get_file(label: str) -> StagedFile | None:
            with store.read() as tx:
                try:
                    entry = entries.by_label(tx, label)
                except NotFound:
                    return None
            return staged(self.app, entry)

        return HostCalls(
            set_context=set_context,
            get_context=get_context,
            find_user=find_user,
            get_file=get_file,
            map_object=map_object,
            transform=transform,
            pack_version=pack_version,
        )

    def outside(self, before_run: Callable[[float], None] = lambda seconds: None) -> Outside:
        """The world around an evaluation: the present, and the scripts of installed packs.

        before_run   is told each time for how many seconds a script may run now
        """
        scripts = PackScripts(self.app.runtime, self.catalog, self.settings, before_run)
        return Outside(now=self.app.clock.now(), scripts=scripts)


def caller(app: App, instance: Instance, settings: Settings | None = None) -> Caller:
    """Get an instance ready. Raises NotFound when its integration is not installed."""
    with app.store.read() as tx:
        catalog = app.library.catalog(tx)
        found, owners = policies.list_all(tx, instance.id), policies.owners(tx)
    return Caller(
        app=app,
        instance=instance,
        integration=catalog.integration(instance.brand),
        catalog=catalog,
        settings=settings or app.settings(),
        policies=Policies.of(found, owners),
    )


def code_of(integration: Integration, catalog: Catalog) -> Code:
    """The executable part; its key changes with every change of the code, so a warm process never runs an old one.

    What it needs of its Python is part of the key, too: `Environments.need` remembers by it.
    """
    modules = catalog.api_modules_for(integration.source)
    wanted = [integration.docker_image, *(integration.requirements.lines if integration.requirements else ())]
    parts = [integration.id, integration.source, *(f"{n}={s}" for n, s in sorted(modules.items())), *wanted]
    text = "\0".join(parts)
    return Code(
        key=hashlib.sha256(text.encode()).hexdigest(), name=integration.id, source=integration.source, modules=modules
    )


def _parsed(source: Any) -> Any:
    """An object, given as such or as JSON text.   Source: MAP-099."""
    if isinstance(source, str):
        try:
            return json.loads(source)
        except ValueError:
            raise ValueError("the object to map is no JSON") from None
    return source


def staged(app: App, entry: Entry) -> StagedFile | None:
    """The file of an entry, ready for `demisto.getFilePath`; None when it has none or its bytes are gone."""
    if entry.file is None:
        return None
    path = files.path(app.store, entry.file.id)
    return StagedFile(entry_id=entry.label, name=entry.file.name, path=path) if path.is_file() else None
