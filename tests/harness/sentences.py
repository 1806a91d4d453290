"""The sentences that the verbs of estate say to people, as they stand in the sources: what proto's tables are to events, sentences.def is to them."""
import glob
import os
import re

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FOLDER = os.path.join(REPOSITORY, "clients", "estate")
LITERAL = re.compile(r'"((?:[^"\\]|\\.)*)"')
# Which argument of these is a sentence.
SAYING = {"usage_error": 1, "complain": 1, "phrase": 0, "spoil": 1}


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def macros():
    """#define NAME "text" of the headers, and the conversions of <inttypes.h>."""
    found = {"PRIu64": "lu", "PRId64": "ld", "PRIu32": "u", "PRIx64": "lx"}
    for pattern in ("clients/*/*.[ch]", "proto/*.h", "daemon/*.h", "workers/*/*.h"):
        for path in glob.glob(os.path.join(REPOSITORY, pattern)):
            found.update(re.findall(r'^#define\s+(\w+)\s+"((?:[^"\\]|\\.)*)"\s*(?:/\*.*)?$', read(path), re.M))
    return found


def arguments(text, at):
    """The arguments of the call whose bracket is text[at]."""
    depth, parts, begin = 0, [], at + 1
    while True:
        if text[at] == '"':
            at = LITERAL.match(text, at).end()
            continue
        if text[at] == "'":
            at = text.index("'", at + (3 if text[at + 1] == "\\" else 1)) + 1
            continue
        depth += (text[at] in "([{") - (text[at] in ")]}")
        if depth == 0 or (depth == 1 and text[at] == ","):
            parts.append(text[begin:at])
            begin = at + 1
        if depth == 0:
            return parts
        at += 1


def texts(argument, known):
    """The texts an argument can be: one, or those of a condition."""
    found, text, open_ = [], "", False
    for token in re.finditer(r'"(?:[^"\\]|\\.)*"|\w+|\S', argument):
        word = token.group()
        if word.startswith('"'):
            text, open_ = text + word[1:-1], True
        elif word in known and (open_ or re.match(r'\s*"', argument[token.end():]) or not argument.strip().startswith('"')):
            text, open_ = text + known[word], open_ or bool(re.match(r"\s*(\"|$)", argument[token.end():]))
        else:
            found += [text] if open_ else []
            text, open_ = "", False
    return found + ([text] if open_ else [])


def said():
    """Each sentence of the sources with the place where it is said."""
    known = macros()
    for path in sorted(glob.glob(os.path.join(FOLDER, "*.c"))):
        source = read(path)
        for call in re.finditer(rf"\b({'|'.join(SAYING)})\(", source):
            if source[:call.start()].rsplit("\n", 1)[-1].strip().startswith(("*", "/*")) or source[call.start() - 1] == "\n":
                continue
            place = f"{os.path.basename(path)}:{source.count(chr(10), 0, call.start()) + 1}"
            parts = arguments(source, call.end() - 1)
            if len(parts) > SAYING[call.group(1)]:
                for text in texts(parts[SAYING[call.group(1)]], known):
                    yield text, place


def table():
    """The rows of sentences.def."""
    known = macros()
    source = read(os.path.join(FOLDER, "sentences.def"))
    for call in re.finditer(r"^SENTENCE\(", source, re.M):
        english, chinese = arguments(source, call.end() - 1)
        yield "".join(texts(english, known)), "".join(texts(chinese, known))
