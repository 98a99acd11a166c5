"""Where lines that belong together end, by their indentation: what a hole in a file is cut to."""


def block_end(text: str, start: int, lines: int) -> int:
    """The end of the line at `start`, or of one up to `lines` lines on that is no less indented.

    At a line's end the next line counts as the first: that is what an editor would ask for.
    """
    end = text.find("\n", start)
    if end == start:
        end = text.find("\n", start + 1)
    indent = _indent(text[text.rfind("\n", 0, start) + 1 :].partition("\n")[0])
    while lines > 1 and end >= 0:
        following = text.find("\n", end + 1)
        line = text[end + 1 : following if following >= 0 else len(text)]
        if line.strip() and _indent(line) < indent:
            break
        end = following
        lines -= 1
    return len(text) if end < 0 else end


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())
