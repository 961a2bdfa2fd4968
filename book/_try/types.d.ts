// What the modules hand to each other. Types only: nothing here is in the built page.

/** Features as they were read: float32 or float64 by the library's rule, row after row. */
interface Matrix {
  name: string;
  n: number;
  d: number;
  data: Float32Array | Float64Array;
  dtype: string;
  header?: boolean; // of a .csv file: its first line names the columns
  member?: string; // of an .npz file: the array
}

/** The top of a spectrum of squared singular values: vectors one after the other, each of length m. */
interface Spectrum {
  m: number;
  values: Float64Array;
  vectors: Float64Array;
  weights?: Float64Array; // of the vectors on the basis they were found in
  settled: number; // how many of the values have converged
  residual: number; // of the first vector
}

/** Every number that the page shows of one matrix under one convention; its names are the library's. */
interface PVector {
  name: string;
  n: number;
  d: number;
  centred: boolean;
  vector: Float64Array;
  singular_values: number[];
  resolution: number;
  ratio: number; // Infinity where there is only one direction
  resolved: boolean;
  explained: number;
  cos_constant: number;
  error_bound: number; // radians
  defined: boolean;
  stability: number; // median |cos| over half-samples
  coordinates: Float64Array; // of the rows on the leading directions, one direction after the other
}

/** A row of the library's table. */
interface Row {
  measure: string;
  estimate: number;
  lo: number;
  hi: number;
  null: number;
  null_95: number;
  p: number;
  calibrated: number;
  mean_alone: number;
  angle_deg: number;
  bound_deg: number;
}

interface MeanDirection {
  cos: number;
  c_u: number;
  c_v: number;
  r: number;
}

interface Pair {
  names: [string, string];
  rows: Row[];
  mean: { uncentred: MeanDirection; centred: MeanDirection };
  warnings: string[];
}

interface Findings {
  name: string;
  lines: string[];
  codes: Float64Array;
  single: boolean;
}

interface Labels {
  name: string;
  values: string[];
  groups?: string[]; // coarser ones, which colour where there are too many classes
}

declare const fflate: typeof import("fflate");
declare const Plotly: any;
declare var pvTrySource: string; // the script of the worker, in the worker

/** The P-vector of a published network, trained or not. */
interface PublishedVector extends Network {
  state: State;
  vector: Float64Array; // of unit length
}

/** What a reader's P-vector is placed among: one data set, one layer. */
interface Reference {
  networks: Record<Convention, PublishedVector[]>;
  pixels: Record<Convention, Float64Array>;
  classOf: string[]; // the class of every image
  images: { side: number; pixels: Uint8Array } | null;
}

/** |cos| of a reader's P-vector with one published one, or with that of the pixels. */
interface Cosine extends Pick<Network, "study" | "label" | "family" | "role" | "seed"> {
  state: State | "data";
  cos: number;
}

/** Mean and range of some cosines. */
interface Spread {
  count: number;
  mean: number;
  low: number;
  high: number;
}
