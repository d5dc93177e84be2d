"""Makes shapes.txt: characters that look alike, found by their pictures and by how they are composed.

    python3 shapes.py UNIHAN_DIR FONT#FACE... > shapes.txt

UNIHAN_DIR has Unihan_DictionaryLikeData.txt.bz2 (Debian: unicode-data), FONT is a file of Chinese faces and FACE the number
of one in it. Used were NotoSansCJK-Regular.ttc#2, NotoSerifCJK-Regular.ttc#2 (fonts-noto-cjk) and ukai.ttc#0
(fonts-arphic-ukai). Needs numpy and Pillow. The pictures are compared, not kept.
"""

import bz2
import sys

import numpy
from PIL import Image, ImageDraw, ImageFilter, ImageFont

CELL, SIZE, BLUR = 56, 48, 1.6
# So much alike are two pictures (correlation) that are of one composition but for little, that are each other's nearest,
# of which all parts but one are shared, and of which one has a part more.
COMPOSED, NEAREST, ONE_PART, A_PART_MORE = 0.80, 0.70, 0.60, 0.50


def characters():
    """GB 2312 in its order; the first 3,755 are its level 1, in common use."""
    for high in range(0xB0, 0xF8):
        for low in range(0xA1, 0xFF):
            try:
                yield bytes([high, low]).decode("gb2312")
            except UnicodeDecodeError:
                continue


def pictures(chars, face):
    """One blurred picture a character, as a vector of length one."""
    file, index = face.rsplit("#", 1)
    font = ImageFont.truetype(file, SIZE, index=int(index))
    rows = numpy.zeros((len(chars), (CELL // 2) ** 2), dtype=numpy.float32)
    for row, char in zip(rows, chars):
        image = Image.new("L", (CELL, CELL), 0)
        draw = ImageDraw.Draw(image)
        left, top, right, bottom = draw.textbbox((0, 0), char, font=font)
        place = ((CELL - right + left) // 2 - left, (CELL - bottom + top) // 2 - top)
        draw.text(place, char, fill=255, font=font)
        image = image.filter(ImageFilter.GaussianBlur(BLUR)).resize((CELL // 2, CELL // 2))
        row[:] = numpy.asarray(image, dtype=numpy.float32).ravel()
        row -= row.mean()
        row /= numpy.linalg.norm(row)
    return rows


def cangjie(folder):
    """How characters are composed (Unihan, kCangjie)."""
    codes = {}
    with bz2.open(f"{folder}/Unihan_DictionaryLikeData.txt.bz2", "rt") as lines:
        for line in lines:
            fields = line.rstrip("\n").split("\t")
            if len(fields) == 3 and fields[1] == "kCangjie":
                codes[chr(int(fields[0][2:], 16))] = fields[2]
    return codes


def edits(one, other):
    """Levenshtein distance."""
    last = list(range(len(other) + 1))
    for at, left in enumerate(one, 1):
        row = [at]
        for to, right in enumerate(other, 1):
            row.append(min(last[to] + 1, row[-1] + 1, last[to - 1] + (left != right)))
        last = row
    return last[-1]


def is_alike(likeness, rank, one, other):
    """Whether two characters are, by their pictures and compositions; `rank` counts those that are nearer to either."""
    if likeness >= NEAREST and rank <= 3:
        return True
    short, long = sorted((one, other), key=len)
    if len(long) - len(short) > 2:
        return False
    if 3 <= len(short) < len(long) and (long.startswith(short) or long.endswith(short)):
        return likeness >= A_PART_MORE
    if likeness >= COMPOSED and (rank <= 5 or edits(one, other) <= 2):
        return True
    return likeness >= ONE_PART and len(long) >= 3 and edits(one, other) <= 1


def main(folder, *faces):
    chars, codes = list(characters()), cangjie(folder)
    likeness = sum(rows @ rows.T for rows in (pictures(chars, face) for face in faces)) / len(faces)
    rank = (-likeness).argsort(axis=1).argsort(axis=1)
    common = next(at for at, char in enumerate(chars) if char.encode("gb2312")[0] >= 0xD8)
    print("# Characters that look alike: each of a line with the first. Made by shapes.py from the pictures of the characters")
    print("# of GB 2312 in three faces and from how they are composed (Unihan 15.0, kCangjie; Unicode")
    print("# License); one of the two is of level 1.")
    for at, char in enumerate(chars[:common]):
        others = "".join(
            chars[to]
            for to in numpy.flatnonzero(likeness[at] >= A_PART_MORE)
            if to > at
            and is_alike(
                likeness[at, to], max(rank[at, to], rank[to, at]), codes.get(char, ""), codes.get(chars[to], "")
            )
        )
        if others:
            print(char + others)


main(*sys.argv[1:])
