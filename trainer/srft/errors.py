"""Errors about what a person gave us: each says what, where and how to mend it, in one sentence."""


class InputError(Exception):
    """The recipe, the model or the data is wrong; the command line prints the sentence and exits with 2.

    `what` names the fault and the value, `where` the file with line or key, `remedy` what to do.
    """

    def __init__(self, what: str, *, where: str, remedy: str) -> None:
        self.what, self.where, self.remedy = what, where, remedy
        super().__init__(f"{where}: {what}; {remedy}.")
