import type { LoadedPipelines } from './store.ts'
import type { ParamMap, ParamValue } from './param.ts'

/** A project's files as they stood at one time: in the folder now, or at a commit, without a checkout. */
export interface ProjectView {
  /** `workspace`, or the names of the revision. */
  readonly name: string
  load(): Promise<LoadedPipelines>
  /** What `dvc.yaml` files list outside of stages; paths from the project's root. */
  declared(): Promise<Declared>
  /** What a file of parameters or metrics holds; undefined where there is no such file. Throws where it cannot be read. */
  values(path: string): Promise<ParamValue | undefined>
  /** A file that is there, that version control has, or that the cache holds. */
  read(path: string): Promise<Uint8Array | undefined>
  /** The files below a folder; undefined where there is no such folder. */
  filesIn(folder: string): Promise<string[] | undefined>
}

export interface Declared {
  readonly metrics: readonly string[]
  readonly params: readonly string[]
  readonly plots: readonly DeclaredPlot[]
}

/** An entry of `plots` at the top of a `dvc.yaml`. */
export interface DeclaredPlot {
  readonly file: string
  /** Folder of that file, which its paths count from. */
  readonly folder: string
  readonly id: string
  readonly props: ParamMap
}
