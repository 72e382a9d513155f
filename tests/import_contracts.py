"""Contract types for import-linter that its own set lacks."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

from importlinter import Contract, ContractCheck, fields, output

if TYPE_CHECKING:
    from grimp import ImportGraph


class StandardLibraryOnly(Contract):
    """The listed modules, with everything inside them, import the standard library and each other only.

    import-linter's ``forbidden`` contract needs every package that may not be imported by name, so it would
    miss the next dependency. This one needs no list of packages.
    """

    modules = fields.ListField(subfield=fields.StringField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:  # noqa: ARG002 - the base class's
        """Look at the direct imports; together these are the indirect ones as well."""
        listed = [str(module) for module in self.modules]
        unknown = [module for module in listed if module not in graph.modules]
        if unknown:
            raise ValueError(f"The contract lists modules that do not exist: {', '.join(unknown)}")
        inside = set(listed).union(*(graph.find_descendants(module) for module in listed))
        offences = [
            detail
            for module in sorted(inside)
            for imported in sorted(graph.find_modules_directly_imported_by(module) - inside)
            if imported.partition(".")[0] not in sys.stdlib_module_names
            for detail in graph.get_import_details(importer=module, imported=imported)
        ]
        return ContractCheck(kept=not offences, metadata={"offences": offences})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Print each offending line with its place."""
        for offence in check.metadata["offences"]:
            place = f"{offence['importer']}:{offence['line_number']}"
            output.print_error(f"{place} imports {offence['imported']}", bold=False)


class PublicNamesOfAirflow(Contract):
    """Every module outside one room imports Airflow by its public packages only, and nothing that tells its version.

    import-linter sees external packages as a whole, so this one reads the lines of the imports.
    """

    room = fields.StringField()
    public = fields.ListField(subfield=fields.StringField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:  # noqa: ARG002 - the base class's
        """Look at every import of Airflow outside the room."""
        room, public = str(self.room), [str(each) for each in self.public]
        inside = {room, *graph.find_descendants(room)}
        offences = [
            {**detail, "imported": imported[1]}
            for module in sorted(graph.find_modules_that_directly_import("airflow") - inside)
            for detail in graph.get_import_details(importer=module, imported="airflow")
            if (imported := re.match(r"(?:from|import) (airflow[\w.]*)", detail["line_contents"])) is None
            or not any(_is_in(imported[1], each) for each in public)
        ]
        return ContractCheck(kept=not offences, metadata={"offences": offences})

    render_broken_contract = StandardLibraryOnly.render_broken_contract


def _is_in(module: str, public: str) -> bool:
    """Whether a module is public: ``airflow.sdk`` itself, but what is below a package of providers as well."""
    below = public == "airflow.providers" and module.startswith(f"{public}.")
    return module == public or (below and not module.endswith(".version_compat"))
