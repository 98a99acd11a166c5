"""What is said to the model for each task, in the language of the text.

Large models get a full instruction. Small ones that were taught the tasks, such as the starter,
get a brief one of one word: every token costs them time and attention. The instruction stands
before the text, so that it is computed once and reused from the engine's prefix cache.
"""

import re
from enum import Enum

from assistant.messages import CompletionRequest, Conversation, Message
from assistant.prompts.languages import is_chinese


class Wording(Enum):
    """How much is said to the model."""

    FULL = "full"
    BRIEF = "brief"


class Task(Enum):
    """What the assistant can do with a piece of text. The value is the brief wording."""

    EXPLAIN = "Explain"
    COMMENT_TO_CODE = "Code"
    DOCSTRING = "Docstring"
    FIX = "Fix"
    POLISH = "Polish"
    EXPAND = "Expand"
    CONTINUE = "Continue"
    SHORTEN = "Shorten"
    TRANSLATE = "Translate"
    TEST = "Write a test"
    NAMES = "Suggest names"

    @property
    def answers_with_code(self) -> bool:
        """Whether the answer is code rather than prose."""
        return self in (Task.COMMENT_TO_CODE, Task.FIX, Task.TEST)


_ENGLISH = {
    Task.EXPLAIN: (
        "Explain what the following {language}code does: first in one sentence, then the steps that"
        " matter, then anything surprising or wrong in it. Be brief and exact."
    ),
    Task.COMMENT_TO_CODE: (
        "The following {language}code ends with a comment. Write the code that the comment"
        " describes, to stand right below it, in the same style and indentation. Answer with the"
        " new code alone, in one code block."
    ),
    Task.DOCSTRING: (
        "Write a docstring for the following {language}code: what it does, in the imperative, then"
        " its arguments, result and errors where they are not obvious. Answer with the docstring's"
        " text alone, without quotation marks."
    ),
    Task.FIX: (
        "The following {language}code has the problem that is named above it. Correct it and change"
        " nothing else. Answer with the corrected code alone, in one code block."
    ),
    Task.POLISH: (
        "Polish the following text: correct its spelling, grammar and punctuation, and make it read"
        " well. Keep its meaning, tone, language and Markdown. Answer with the polished text alone."
    ),
    Task.EXPAND: (
        "Expand the following text: add the detail and the connections that a reader would want,"
        " and invent no facts. Keep its tone, language and Markdown. Answer with the expanded text"
        " alone."
    ),
    Task.CONTINUE: (
        "Continue the following text from where it ends, in the same tone, language and Markdown."
        " Answer with the continuation alone."
    ),
    Task.SHORTEN: (
        "Shorten the following text: keep what matters and say it in about half the words. Keep its"
        " meaning, tone, language and Markdown. Answer with the shortened text alone."
    ),
    Task.TRANSLATE: (
        "Translate the following text into simplified Chinese, as a native writer would put it."
        " Keep its meaning, tone and Markdown, and leave code and names as they are. Answer with"
        " the translation alone."
    ),
    Task.TEST: (
        "Write tests for the following {language}code, with the test framework that its project"
        " uses: the ordinary case, then the cases at its limits, each as a test of its own. They go"
        " into the file that is named below; where its begin is shown, keep its style and do not"
        " repeat its imports. Answer with the new test code alone, in one code block."
    ),
    Task.NAMES: (
        "Suggest three better names for what the first line below names, in the {language}code"
        " under it. Keep to the code's way of writing names. Answer with a Markdown list: each name"
        " as code, then in one sentence what it says better. If the name is good as it is, say so"
        " first."
    ),
}
_CHINESE = {
    Task.EXPLAIN: (
        "请解释下面这段{language}代码的作用:先用一句话概括,再说明关键步骤,最后指出其中"
        "令人意外或有错误的地方。请简洁、准确,用中文回答。"
    ),
    Task.COMMENT_TO_CODE: (
        "下面的{language}代码以一条注释结尾。请写出这条注释所描述的代码,紧接在注释下方,"
        "风格和缩进与上文一致。只用一个代码块回答新写的代码。"
    ),
    Task.DOCSTRING: (
        "请为下面的{language}代码写文档字符串:说明它做什么,必要时说明参数、返回值和异常。"
        "用中文,只回答文档字符串的内容,不要引号。"
    ),
    Task.FIX: (
        "下面的{language}代码有上方所写的问题。请改正它,不要改动其他地方。"
        "只用一个代码块回答改正后的代码。"
    ),
    Task.POLISH: (
        "请润色下面的文字:改正错别字、语法和标点,使其通顺。保持原意、语气、语言和 Markdown"
        " 格式。只回答润色后的文字。"
    ),
    Task.EXPAND: (
        "请扩写下面的文字:补充读者需要的细节和衔接,不要编造事实。保持语气、语言和 Markdown"
        " 格式。只回答扩写后的文字。"
    ),
    Task.CONTINUE: (
        "请从结尾处续写下面的文字,保持语气、语言和 Markdown 格式一致。只回答续写的部分。"
    ),
    Task.SHORTEN: (
        "请把下面的文字缩短到一半左右,保留要点,保持原意、语气、语言和 Markdown 格式。"
        "只回答缩短后的文字。"
    ),
    Task.TRANSLATE: (
        "请把下面的文字翻译成地道的英文,保持原意、语气和 Markdown 格式,代码和名称保持不变。"
        "只回答译文。"
    ),
    Task.TEST: (
        "请为下面的{language}代码编写测试,使用项目所用的测试框架:先测一般情况,再测边界情况,"
        "每种情况一个测试。测试将写入下方所列的文件;如果给出了该文件的开头,请保持其风格,"
        "不要重复导入。只用一个代码块回答新写的测试代码。"
    ),
    Task.NAMES: (
        "请为下面第一行的名称在其后的{language}代码中另取三个更好的名字,命名风格与代码一致。"
        "请用 Markdown 列表回答:每项先写名字(用代码格式),再用一句话说明它好在哪里。"
        "如果原来的名字已经很好,请先说明。"
    ),
}
TAUGHT = frozenset(Task) - {Task.SHORTEN, Task.TRANSLATE, Task.TEST, Task.NAMES}
"""What a small model with brief wording was taught."""
_FILL_ENGLISH = (
    "You complete {language} text at a cursor. Below are what stands after the cursor and what"
    " stands before it. Repeat the last lines before the cursor and go straight on from there;"
    " write nothing that stands after the cursor again."
)
_FILL_CHINESE = (
    "请在光标处补全{language}文本。下面依次是光标之后和光标之前的内容。请重复光标前的最后"
    "几行并紧接着写下去,不要重复光标之后的内容。"
)
PREFILL_CHARACTERS = 50
"""How much of the text before the cursor a chat model finds as its answer's start, at least."""
_PROSE = ("markdown", "plaintext", "text", "restructuredtext", "rst", "latex", "")


def ask(
    task: Task,
    text: str,
    *,
    wording: Wording = Wording.FULL,
    language: str = "",
    problem: str = "",
) -> Conversation:
    """The conversation that asks for `task` to be done with `text`.

    `language` is the editor's name of the programming language; `problem` is what `Task.FIX` is to
    mend, such as a diagnostic's message, or what `Task.NAMES` is to find names for.
    """
    body = f"{problem}\n\n{text}" if problem else text
    if wording is Wording.BRIEF:
        return Conversation((Message("user", f"{task.value}:\n{body}"),))
    instruction = (_CHINESE if is_chinese(text) else _ENGLISH)[task]
    named = f"{language} " if language else ""
    return Conversation((Message("user", f"{instruction.format(language=named)}\n\n{body}"),))


def instruct(instruction: str, text: str) -> Conversation:
    """The conversation that asks for an instruction of the user's to be followed with `text`.

    The frame around it is in the language of the instruction.
    """
    if is_chinese(instruction):
        frame = f"{instruction}\n\n请按以上要求处理下面的文字,保持 Markdown 格式,只回答结果。"
    else:
        frame = f"{instruction}\n\nDo this with the following text. Answer with the result alone."
    return Conversation((Message("user", f"{frame}\n\n{text}"),))


def fill_in(request: CompletionRequest) -> Conversation:
    """A completion as a conversation, for a chat model that knows no fill-in-the-middle.

    The last lines before the cursor are the start of the assistant's answer, so that what the
    model writes next is what belongs at the cursor. What changes least while the user types stands
    first: pieces of other files, then the suffix.
    """
    head, tail = _split_for_prefill(request.prefix)
    template = _FILL_CHINESE if is_chinese(request.prefix + request.suffix) else _FILL_ENGLISH
    parts = [template.format(language=request.language or "plain")]
    for piece in request.context:
        parts.append(f"From {piece.path}:\n{_fenced(piece.text, request.language)}")
    if request.path:
        parts.append(f"File: {request.inner_path}")
    if request.suffix.strip():
        parts.append(f"After the cursor:\n{_fenced(request.suffix, request.language)}")
    parts.append(f"Before the cursor:\n{_fenced(head + tail, request.language)}")
    start = tail if is_prose(request.language) else f"```{request.language}\n{tail}"
    return Conversation((Message("user", "\n\n".join(parts)), Message("assistant", start)))


def fill_in_stops(request: CompletionRequest) -> tuple[str, ...]:
    """The texts that end the answer to `fill_in`."""
    return () if is_prose(request.language) else ("\n```",)


def is_prose(language: str) -> bool:
    """Whether the editor's language name stands for text rather than code."""
    return language.lower() in _PROSE


def clean_answer(task: Task, answer: str) -> str:
    """The part of an answer that was asked for.

    Chat models wrap code in fences and add words around it, however they are asked.
    """
    if task.answers_with_code:
        fenced = re.search(r"```[^\n]*\n(.*?)(?:\n```|\Z)", answer, re.DOTALL)
        return fenced[1] if fenced else answer.strip("\n")
    answer = answer.strip()
    if task is Task.DOCSTRING:
        return answer.removeprefix('"""').removesuffix('"""').strip()
    return answer


def _split_for_prefill(prefix: str) -> tuple[str, str]:
    """Cut before the last whole lines that hold `PREFILL_CHARACTERS` or more."""
    if len(prefix) <= PREFILL_CHARACTERS:
        return "", prefix
    cut = prefix.rfind("\n", 0, len(prefix) - PREFILL_CHARACTERS) + 1
    return prefix[:cut], prefix[cut:]


def _fenced(text: str, language: str) -> str:
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}{language}\n{text}\n{fence}"
