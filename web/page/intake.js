// Files and folders that are dropped, chosen or pasted, in the order of their paths.

const byPath = (one, other) => (one.path < other.path ? -1 : Number(one.path > other.path));

const given = (file, path = file.name) => ({ file, path, root: path.split('/')[0] });

/** Those of an `<input type="file">`. */
export const chosen = (input) =>
  Array.from(input.files, (file) => given(file, file.webkitRelativePath || file.name)).sort(byPath);

/** A text that was pasted. */
export const pasted = (text) => [given(new File([text], 'pasted.json'))];

async function* entries(entry) {
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
    yield given(file, entry.fullPath.replace(/^\//, ''));
  } else {
    const reader = entry.createReader();
    for (;;) {
      // A browser gives a hundred at a time.
      const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
      if (some.length === 0) return;
      for (const one of some) yield* entries(one);
    }
  }
}

/** Those of a drop. The items are read before anything is waited for: they are gone afterwards. */
export async function dropped(transfer) {
  const items = Array.from(transfer.items ?? []).filter((item) => item.kind === 'file');
  const roots = items.map((item) => item.webkitGetAsEntry?.() ?? item.getAsFile()).filter(Boolean);
  const files = [];
  for (const root of roots) {
    if (root instanceof File) files.push(given(root));
    else for await (const file of entries(root)) files.push(file);
  }
  return files.sort(byPath);
}

export const total = (files) => files.reduce((sum, { file }) => sum + file.size, 0);
