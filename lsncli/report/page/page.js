"use strict";
// Sorting is an addition: without this script the heads are plain text and the rows stand as they were written.
const words = new Intl.Collator(document.documentElement.lang, { numeric: true });

function shown(row, index) {
  const cell = row.cells[index];
  return cell.dataset.sort ?? cell.textContent.trim();
}

// Each click: ascending, descending, as written. What is missing comes last, whichever way.
function sort(table, index) {
  const head = table.tHead.rows[0].cells[index];
  const next = { none: "ascending", ascending: "descending", descending: "none" }[head.getAttribute("aria-sort") ?? "none"];
  for (const other of table.tHead.rows[0].cells) other.setAttribute("aria-sort", "none");
  head.setAttribute("aria-sort", next);
  const body = table.tBodies[0];
  const rows = [...body.rows];
  rows.sort((a, b) => a.dataset.at - b.dataset.at);
  if (next !== "none") {
    const numeric = head.classList.contains("number");
    const sign = next === "ascending" ? 1 : -1;
    rows.sort((a, b) => {
      const [left, right] = [shown(a, index), shown(b, index)];
      if (left === "" || right === "") return (left === "") - (right === "");
      return sign * (numeric ? left - right || words.compare(left, right) : words.compare(left, right));
    });
  }
  body.append(...rows);
}

for (const table of document.querySelectorAll("table.sortable")) {
  [...table.tBodies[0].rows].forEach((row, at) => { row.dataset.at = at; });
  [...table.tHead.rows[0].cells].forEach((head, index) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    button.addEventListener("click", () => sort(table, index));
    head.append(button);
    head.setAttribute("aria-sort", "none");
  });
}

// A link out of a panel leads to what the panel would cover.
for (const link of document.querySelectorAll("[popover] a")) {
  link.addEventListener("click", () => link.closest("[popover]").hidePopover?.());
}
