/* What scrolls sideways where a page is narrow can be scrolled with the keyboard, too: it takes part in the order of Tab. */
"use strict";

const SCROLLING = ".pv-figure, .pv-scroll, .pst-scrollable-table-container, .bd-article pre, .bd-article div.math";

function markScrolling() {
  for (const box of document.querySelectorAll(SCROLLING)) {
    if (box.scrollWidth > box.clientWidth + 1) box.tabIndex = 0;
    else box.removeAttribute("tabindex");
  }
}

for (const moment of ["load", "resize"]) window.addEventListener(moment, markScrolling);
document.addEventListener("change", () => setTimeout(markScrolling)); // another tab of a tab set is shown
