"""The first README of a new project: its question, its data, what was decided and why."""

from common.new.plan import Plan
from common.new.tell import TASKS, split_told


def readme(name: str, plan: Plan) -> str:
    lines = [
        f"# {name.replace('_', ' ').capitalize()}",
        "",
        f"Predict `{plan.target}` of a row of {plan.data.name}: {TASKS[plan.task]}.",
        "",
        f"    python projects/{name}/run.py",
        f"    python projects/{name}/run.py --seeds 5",
        f"    python projects/{name}/run.py predict --input new.csv --output scored.csv",
        "",
        "## Data",
        "",
        f"{len(plan.table):,} rows and {len(plan.table.columns)} columns of `{plan.data.name}`.",
        "Say here where they come from, who may use them, and what a row is.",
        "",
        f"- **Target:** {plan.why['task']}."
        + (f" {plan.without_target:,} rows without it are left out." * (plan.without_target > 0)),
        *([f"- **Pairs:** {' and '.join(plan.pair)}; {plan.why['pair']}."] if plan.pair else []),
        f"- **{split_told(plan)}**".replace(": ", ":** ", 1).removesuffix("**"),
        *[f"- **Left out, `{column}`:** {why}." for column, why in plan.left_out.items()],
        *[f"- **Suspect, `{column}`:** {why}." for column, why in plan.suspects.items()],
        "",
        "Whatever of this is wrong is put right in `load.py`: `COLUMNS` are the columns that are",
        "read, and their kinds; below it stand notation, split and slices.",
        "",
        *results(name),
    ]
    return "\n".join(lines) + "\n"


def results(name: str) -> list[str]:
    """The end of a README, which the command named there fills."""
    return [
        "## Results",
        "",
        "<!-- results -->",
        f"None yet: `python -m benchmarks.results {name}` trains five seeds and writes them here.",
        "<!-- /results -->",
    ]
