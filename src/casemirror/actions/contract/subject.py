"""The integration under work, read from the folder in which its author writes it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from casemirror.actions.instances import DEFAULT, Choice
from casemirror.content import loading, params
from casemirror.content.catalog import Catalog
from casemirror.content.items import Classifier, Integration, Item, Mapper
from casemirror.content.pack import Pack
from casemirror.content.pack_reader import METADATA
from casemirror.model.errors import Invalid, NotFound
from casemirror.model.values import Json

_PACK_FOLDER: Final = "Integrations"


@dataclass(frozen=True, kw_only=True)
class Subject:
    """One integration with everything of its pack.

    root      folder of the pack, or the integration's own folder when it stands alone
    catalog   what the pack brings, and those beside it that were named
    choice    its own classifier and mappers unless others of the pack are named
    """

    root: Path
    pack: Pack
    catalog: Catalog
    integration: Integration
    choice: Choice = DEFAULT

    @property
    def yaml(self) -> Path:
        """Its YAML file."""
        return self.root / self.integration.path

    @property
    def classifier(self) -> Classifier | None:
        """Its own classifier, as far as the pack has it. Raises MappingFailed for one that was named and is not there."""
        if self.choice.classifier is not None:
            return self.catalog.classifier(self.choice.classifier)
        return self.catalog.find_classifier(self.integration.default_classifier)

    @property
    def mapper_in(self) -> Mapper | None:
        """Its own incoming mapper, likewise."""
        return self._mapper(self.choice.mapper_in, self.integration.default_mapper_in)

    @property
    def mapper_out(self) -> Mapper | None:
        """Its own outgoing mapper, likewise."""
        return self._mapper(self.choice.mapper_out, self.integration.default_mapper_out)

    def _mapper(self, named: str | None, own: str) -> Mapper | None:
        return self.catalog.find_mapper(own) if named is None else self.catalog.mapper(named)

    def params(self, given: Mapping[str, Json]) -> tuple[dict[str, Json], dict[str, Json]]:
        """(all parameters as the code gets them, those of them that are secret). Raises Invalid as `content.params.check`."""
        values = params.check(self.integration, given)
        _, secret = params.split(self.integration, values)
        return params.full(self.integration, values, {}), secret


def read(path: Path, also: Sequence[Path] = ()) -> Subject:
    """Read the integration at `path`: its folder, its YAML or Python file, or its pack. Raises NotFound, Invalid.

    also   packs with fields, types and scripts that it refers to
    """
    if not path.exists():
        raise NotFound(f"{path}: there is nothing of that name")
    path = path.resolve()
    root = _root(path)
    packs = loading.load(root)
    if len(packs) > 1:
        raise Invalid(f"{path}: holds {len(packs)} packs; name the folder of one integration")
    others = [item for each in also for pack in loading.load(each) for item in pack.items]
    found = list(_within(packs[0], others, root, path))
    if not found:
        problems = "; ".join(str(problem) for problem in packs[0].problems)
        raise Invalid(f"{path}: there is no integration" + (f": {problems}" if problems else ""))
    if len(found) > 1:
        names = ", ".join(str(root / subject.integration.path) for subject in found)
        raise Invalid(f"{path}: holds {len(found)} integrations; name one of {names}")
    return found[0]


def _root(path: Path) -> Path:
    """The pack around a path; without one the YAML beside it, or its folder."""
    for folder in (path, *path.parents):
        if folder.is_dir() and any((folder / name).is_file() for name in METADATA):
            return folder
        if folder.name == _PACK_FOLDER and folder.is_dir():
            return folder.parent
    yaml = path.with_suffix(".yml") if path.suffix == ".py" else path
    return yaml if yaml.is_dir() or yaml.is_file() else path.parent


def _within(pack: Pack, others: Sequence[Item], root: Path, path: Path) -> Iterator[Subject]:
    """The integrations that a path means."""
    base = root if root.is_dir() else root.parent
    catalog = Catalog.of([*pack.items, *others])
    for integration in Catalog.of(pack.items).integrations.values():
        yaml = base / integration.path
        if path in (yaml, yaml.with_suffix(".py"), *yaml.parents):
            yield Subject(root=base, pack=pack, catalog=catalog, integration=integration)
