/** The result as JSON, and the line of Python that gives the same. */

/**
 * How Python reads a file, by the rules of the page.
 * @param {{source: string, member?: string, header?: boolean}} file
 */
function loaded({ source, member, header }) {
  const quoted = JSON.stringify(source);
  if (source.toLowerCase().endsWith(".csv"))
    return `numpy.loadtxt(${quoted}, delimiter=","${header ? ", skiprows=1" : ""}, ndmin=2)`;
  return `numpy.load(${quoted})` + (member === undefined ? "" : `[${JSON.stringify(member)}]`);
}

/**
 * @typedef {{name: string, source: string, n: number, d: number, dtype: string, member?: string, header?: boolean,
 *   vectors: {uncentred: PVector, centred: PVector}}} FileResult
 */

/**
 * @param {FileResult} a
 * @param {FileResult} b
 */
export function python(a, b) {
  const names = `(${JSON.stringify(a.name)}, ${JSON.stringify(b.name)})`;
  return `import numpy, pvlib; print(pvlib.compare(${loaded(a)}, ${loaded(b)}, names=${names}))`;
}

/**
 * Everything that was found, in the library's names; what is not a finite number is null.
 * @param {FileResult[]} files
 * @param {Pair[]} pairs
 */
export function asJSON(files, pairs) {
  const numbers = (/** @type {PVector} */ { vector, coordinates: _, name: __, ...rest }) => ({
    ...rest,
    vector: Array.from(vector),
  });
  const found = {
    about:
      "P-vectors of two or more feature matrices, computed in the browser by the page 'Try your own features' of the P-vector book",
    files: files.map((file) => ({
      ...file,
      python: `pvlib.p_vector(${loaded(file)}, center=True)`,
      vectors: { uncentred: numbers(file.vectors.uncentred), centred: numbers(file.vectors.centred) },
    })),
    pairs: pairs.map((pair) => {
      const [a, b] = pair.names.map((name) => /** @type {FileResult} */ (files.find((file) => file.name === name)));
      return { ...pair, python: python(a, b) };
    }),
  };
  return JSON.stringify(found, null, 1);
}

/**
 * The entries of two files' P-vectors, a line for each sample.
 * @param {FileResult} a
 * @param {FileResult} b
 * @param {Labels | null} labels
 */
export function entries(a, b, labels) {
  const vectors = [a.vectors.uncentred, b.vectors.uncentred, a.vectors.centred, b.vectors.centred];
  const head = [
    "sample",
    ...(labels ? ["label"] : []),
    ...vectors.map(({ name, centred }) => `${name}, ${centred ? "centred" : "uncentred"}`),
  ];
  const lines = Array.from({ length: a.n }, (_, i) => [
    String(i),
    ...(labels ? [labels.values[i]] : []),
    ...vectors.map(({ vector }) => String(vector[i])),
  ]);
  return { head, lines };
}

/** @param {string[][]} lines */
export function asCSV(lines) {
  const cell = (/** @type {string} */ text) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  return lines.map((line) => line.map(cell).join(",")).join("\n") + "\n";
}
