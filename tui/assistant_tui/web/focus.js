// Who opens the page can type at once, without a click into the terminal before.
const watching = new MutationObserver(() => {
  const keys = document.querySelector(".xterm-helper-textarea");
  if (keys && document.body.classList.contains("-first-byte")) {
    keys.focus();
    watching.disconnect();
  }
});
watching.observe(document, { subtree: true, childList: true, attributeFilter: ["class"] });
