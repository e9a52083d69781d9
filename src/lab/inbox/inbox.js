// Show new messages as they come, without closing what somebody has opened to read.
const shown = Number(document.querySelector("main").dataset.count);
setInterval(async () => {
  const answer = await fetch("/messages.json").catch(() => null);
  if (answer?.ok && (await answer.json()).length !== shown && !document.querySelector("details[open]")) location.reload();
}, 1000);
