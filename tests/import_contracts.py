"""A contract type for import-linter that its own set lacks: an allow list that is the standard library."""

from __future__ import annotations

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
