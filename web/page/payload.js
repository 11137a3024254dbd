// The parts that the page carries inside itself: compressed modules, workers, the sample.

/** A part as it is carried: compressed. The workers decompress it. */
export function part(id) {
  const text = atob(document.getElementById(id).textContent.trim());
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}

/** A worker from a blob, which has the policy of this page. One that is loaded by URL would not. */
export function worker(id) {
  const url = URL.createObjectURL(new Blob([document.getElementById(id).textContent], { type: 'text/javascript' }));
  const made = new Worker(url);
  // The worker has read it by the time that it answers.
  made.addEventListener('message', () => URL.revokeObjectURL(url), { once: true });
  return made;
}

/** Gives bytes to the person as a file. */
export function save(name, type, content) {
  const url = URL.createObjectURL(new Blob([content], { type }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
