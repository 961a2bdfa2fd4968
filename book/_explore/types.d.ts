// What the modules hand to each other. Types only: nothing here is in the built page.

/** One trained network, under a name that stays the same when it is trained again. */
interface Network {
  id: string; // of the cell and the seed: mlp.0
  study: string;
  cell: string;
  label: string;
  seed: string;
  role: string;
  family: string;
  score_name: string | null;
  score: number | null;
  layers: string[];
}

interface Collection {
  study: string;
  data: string;
  n: number; // samples
  layers: Record<string, { files: Record<string, string>; along: boolean; off: number }>; // files by what their ids begin with
  networks: Network[];
}

/** The published index has the networks by cell: what its runs have in common stands there once. */
interface Published extends Omit<Collection, "networks"> {
  cells: (Omit<Network, "id" | "seed" | "score"> & { runs: [string, string, number | null][] })[];
}

interface Index {
  collections: Collection[];
  datasets: Record<string, { classes: string[]; labels: string; groups: string[] | null }>;
}

/** A file of P-vectors: entries are whole numbers between the low and the high end of each, in base64. */
interface Chunk {
  rows: string[]; // network/state
  low: number[];
  high: number[];
  ratio: (number | null)[];
  stability: (number | null)[];
  eta2: (number | null)[];
  bits: 8 | 16;
  entries: string;
}

/** A P-vector and what is known of it. */
interface Direction {
  vector: Float64Array; // of unit length
  ratio: number | null; // of the first two singular values
  stability: number | null; // median |cos| over bootstrapped samples
  eta2: number | null; // share of the entries' variance between classes
}

/** Angles along training, in degrees as 16-bit numbers in base64; pairs are two ids with a space between them. */
interface Moments {
  seeds?: { pairs: string[]; steps: number[][]; uncentred: string; centred: string; mean: string };
  shares?: { pairs: string[]; shares: number[]; uncentred: string; centred: string; mean: string };
}

type Convention = "uncentred" | "centred";
type State = "trained" | "untrained";

interface End {
  id: string;
  state: State;
}

/** What a reader looks at; a link says no more than this. */
interface Choice {
  study: string;
  data: string;
  layer: string;
  convention: Convention;
  a: End;
  b: End;
}

/** Two networks of different architectures. */
interface Two {
  a: End;
  b: End;
  cos: number; // absolute
}
