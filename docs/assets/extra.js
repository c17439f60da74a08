// A name for the search, which the theme leaves without one, for those who hear the page.
document.querySelector(".md-search")?.setAttribute("aria-label", "Search");
