import type {
  Caller,
  ModelShape,
  Placed,
  PlacedFiles,
  PredictionRequest,
  Revision,
  Row,
  Value,
} from '#inference'
import type { ExampleRows } from '#registry'
import type { TreeEnsemble } from './tree.ts'

/** Where one feature of the trees comes from: a column of an input, changed by steps in single precision. */
export interface Feature {
  readonly input: string
  readonly column: number
  readonly steps: readonly {
    readonly does: 'add' | 'subtract' | 'multiply' | 'divide'
    readonly by: number
  }[]
  /** It stands for all columns of an input whose width varies. */
  readonly repeats: boolean
}

/** A model that is one ensemble of trees over columns of its inputs. */
export interface TreeModel {
  readonly ensemble: TreeEnsemble
  readonly features: readonly Feature[]
}

/** A model version that answers at an endpoint. */
export interface Located {
  readonly revision: Revision
  readonly placed: Placed
  readonly shape: ModelShape
}

/** What explaining needs of the rest. */
export interface Means {
  /** Counts a question against the quota of who asks. Throws `quota` for one too many. */
  charge(endpoint: string, caller: Caller): Promise<void>
  /** What answers at an endpoint. Throws `not-found`, or `unavailable` while nothing does. */
  locate(endpoint: string, pin: PredictionRequest['pin']): Promise<Located>
  /** Runs a model over rows apart from the endpoint, unlogged. */
  score(placed: Placed, rows: readonly Row[]): Promise<Record<string, Value>[]>
  /** The whole input example among a model's files; `null` when there is none. */
  readExample(files: PlacedFiles): Promise<ExampleRows | null>
  /** The trees in a model's files; undefined when it is something else. */
  readTrees(files: PlacedFiles): Promise<TreeModel | undefined>
}

/** One column of numbers among a model's outputs. */
export interface OutputColumn {
  readonly name: string
  numberIn(answer: Readonly<Record<string, Value>>): number
}
