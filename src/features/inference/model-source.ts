import { Problem } from '#base/problem'
import type { ExampleRows, ModelVersion } from '#registry'
import type { PlacedFiles } from './runtime.ts'
import {
  signatureColumns,
  signatureTensors,
  type ParamSpec,
  type SignatureColumn,
  type SignatureTensor,
} from './rows/signature.ts'

export type { ColumnType, SignatureColumn } from './rows/signature.ts'

/** A model version, as far as serving has to know it. */
export interface ServableModel {
  readonly model: string
  readonly version: number
  /** `onnx`, `sklearn`, … as MLflow names what it is; `onnx` without it. */
  readonly flavor?: string
  /** Digest of all its files. */
  readonly digest: string
  /** The columns it takes, in order; `null` when it was logged without a signature of columns. */
  readonly columns: readonly SignatureColumn[] | null
  /** The tensors it takes, when it was logged with a signature of those. */
  readonly tensors?: readonly SignatureTensor[] | null
  /** What a request may set; without, it takes no parameters. */
  readonly params?: readonly ParamSpec[]
  readonly example: ExampleRows | null
}

/** Aliases of the registered model, and the versions that they name. */
export type Labels = Readonly<Record<string, number>>

/** Where model versions come from. */
export interface ModelSource {
  /** The version that `models:/name@alias` or `models:/name/3` means now; undefined while it means none. */
  resolve(uri: string): Promise<ServableModel | undefined>
  /** Throws `not-found`. */
  get(model: string, version: number): Promise<ServableModel>
  /**
   * Makes the version's files lie on this machine and says where. Doing it again does no harm. Throws
   * `invalid` when it has none that can be served.
   */
  place(model: string, version: number): Promise<PlacedFiles>
  /** All versions of registered models. */
  list(): Promise<{ model: string; version: number }[]>
  /** The aliases of a registered model. */
  labels(model: string): Promise<Labels>
}

/** What serving needs of a version. Throws `invalid` for one that is kept elsewhere. */
export function servableOf(
  version: Pick<ModelVersion, 'model' | 'version' | 'digest' | 'description'>,
): ServableModel {
  const { model, digest, description } = version
  if (digest === null)
    throw new Problem(
      'invalid',
      `the files of ${model} version ${version.version} are not kept here, so it cannot be served; log the model to this server${description.problems.map((problem) => ` (${problem})`).join('')}`,
    )
  const { inputs = [], params } = description.signature ?? {}
  return {
    model,
    version: version.version,
    digest,
    flavor: flavorOf(description),
    columns: signatureColumns(inputs),
    tensors: signatureTensors(inputs),
    ...(params === undefined ? {} : { params }),
    example: description.inputExample,
  }
}

/** The flavor that runs: ONNX where there is one, for it needs no Python. */
function flavorOf({ onnx, flavors }: ModelVersion['description']): string {
  if (onnx !== null) return 'onnx'
  return flavors.find((flavor) => flavor !== 'python_function') ?? 'python_function'
}

/** `models:/name@alias` in its parts; a URI that names a version has no alias. */
export function aliasIn(uri: string): { model: string; alias: string } | undefined {
  const [, model, alias] = /^models:\/([^/@]+)@([\w-]+)$/.exec(uri) ?? []
  return model === undefined || alias === undefined ? undefined : { model, alias }
}

/** The name of a model version in the lineage graph and in the log: `flights-late/3`; 0 is one that is not registered here. */
export function versionName({ model, version }: { model: string; version: number }): string {
  return version === 0 ? model : `${model}/${version}`
}
