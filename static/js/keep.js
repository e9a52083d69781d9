// Recovery codes are printed, or saved as a text file that is made here: the server has forgotten them already.

const kept = document.querySelector("#keep");
document.querySelector("#keep-buttons").hidden = false;
document.querySelector("#print").addEventListener("click", () => print());
document.querySelector("#save").addEventListener("click", () => {
  const lines = [...kept.querySelectorAll("p, li")].map((line) => line.textContent.trim());
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([lines.join("\r\n") + "\r\n"], { type: "text/plain" }));
  link.download = kept.dataset.file;
  link.click();
  URL.revokeObjectURL(link.href);
});
