"""Whether the server's own loader takes the folder."""

from assistant.errors import ModelFolderError
from assistant_eval.diagnosis.case import Case
from assistant_eval.diagnosis.checks import CannotRun, Check
from assistant_eval.diagnosis.findings import Cause, Finding, Look, Weight


class Loading(Check):
    """Loads the model. What else is wrong is looked for whether or not that goes well."""

    name = "loading"
    doing = "loading the model"

    def look(self, case: Case) -> Look:
        """See Check."""
        loading = case.loading
        if isinstance(loading, ModelFolderError):
            finding = Finding(
                Cause.REFUSED, Weight.SYMPTOM, "a folder that the loader takes", str(loading)
            )
            return Look("the loader refuses the folder", (finding,))
        if isinstance(loading, Exception):
            raise CannotRun(str(loading))
        return Look(loading.description.line())
