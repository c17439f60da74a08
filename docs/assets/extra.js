// A name for the search, which the theme leaves without one, for those who hear the page.
document.querySelector(".md-search")?.setAttribute("aria-label", "Search");
// Keys reach what is wider than its place: it takes the focus, and arrows then move it.
function focusWide() {
  for (const element of document.querySelectorAll(".md-typeset__scrollwrap, pre > code, math[display=block]")) {
    if (element.scrollWidth > element.clientWidth) element.tabIndex = 0;
    else element.removeAttribute("tabindex");
  }
}
focusWide();
window.addEventListener("load", focusWide);
window.addEventListener("resize", focusWide);
