"""Tables on stdout: names aligned left, figures right."""

from collections.abc import Sequence

Cell = str | int | float | None
DIGITS = 3


def print_table(head: Sequence[str], rows: Sequence[Sequence[Cell]], digits: int = DIGITS) -> None:
    """Print rows under a head; floats have `digits` decimals, None is a dash, the first column is a name."""
    written = [list(head), *([_written(cell, digits) for cell in row] for row in rows)]
    widths = [max(len(row[column]) for row in written) for column in range(len(head))]
    for row in written:
        name, *figures = row
        padded = [name.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(figures, widths[1:], strict=True))]
        print("  ".join(padded).rstrip())


def _written(cell: Cell, digits: int) -> str:
    if cell is None:
        return "-"
    return f"{cell:,.{digits}f}" if isinstance(cell, float) else f"{cell:,}" if isinstance(cell, int) else cell
