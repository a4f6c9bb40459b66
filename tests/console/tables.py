"""Tables of the console's pages, read back."""

import re


def rows_of(page: str, caption: str) -> list[list[str]]:
    """Read the cells of the table with a caption."""
    table = next(text for text in page.split("<table")[1:] if caption in text)
    body = table.split("<tbody>")[1].split("</tbody>")[0]
    return [
        [
            " ".join(re.sub(r"<[^>]*>", " ", cell).split())
            for cell in re.findall(r"<t[dh].*?</t[dh]>", row)
        ]
        for row in body.split("<tr")[1:]
    ]
