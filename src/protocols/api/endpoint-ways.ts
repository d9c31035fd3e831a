import { printExactJson } from '#base/exact-json'
import {
  elementsOf,
  isFloat,
  nestedOf,
  valueAt,
  type Described,
  type Sample,
  type Scalar,
  type Tensor,
} from '#inference'
import type { WayWire } from './endpoint-wire.ts'

/** How an endpoint is asked in the protocols that its model can be asked in, with something that it can answer. */
export function waysOf(
  endpoint: string,
  described: Pick<Described, 'columns' | 'revision'>,
  { sample, base }: { sample: Sample; base: string },
): WayWire[] {
  const name = encodeURIComponent(endpoint)
  const way = (protocol: string, path: string, body: unknown): WayWire => {
    const url = `${base}${path}`
    const text = printExactJson(body)
    return { protocol, url, body: text, curl: curlOf(url, text) }
  }
  const { rows, tensors } = sample
  const records = recordsOf(rows)
  const byColumns = described.columns !== null && described.columns.length > 0
  const asTensors = tensors === null || !tensors.every(isSaid) ? null : tensors
  return [
    ...(byColumns || asTensors === null
      ? [way('MLflow', `/endpoints/${name}/invocations`, { dataframe_records: records })]
      : [way('MLflow', `/endpoints/${name}/invocations`, { inputs: tensorsIn(asTensors) })]),
    ...(asTensors === null
      ? []
      : [
          way('Open Inference', `/v2/models/${name}/infer`, { inputs: asTensors.map(inferInput) }),
          way('TensorFlow Serving', `/v1/models/${name}:predict`, { inputs: tensorsIn(asTensors) }),
        ]),
  ]
}

/** Rows as objects by column. */
export function recordsOf({ columns, rows }: Sample['rows']): Record<string, unknown>[] {
  return rows.map((row) => Object.fromEntries(columns.map((name, at) => [name, row[at] ?? null])))
}

/** JSON has words for all of a tensor's values. */
function isSaid(tensor: Tensor): boolean {
  return !isFloat(tensor.type) || valuesOf(tensor).every(Number.isFinite)
}

const DATATYPES: Readonly<Record<string, string>> = {
  float16: 'FP16',
  float32: 'FP32',
  float64: 'FP64',
  string: 'BYTES',
}

function inferInput(tensor: Tensor) {
  const { name, type, shape } = tensor
  const datatype = DATATYPES[type] ?? type.toUpperCase()
  return { name, shape, datatype, data: valuesOf(tensor) }
}

function valuesOf(tensor: Tensor): Scalar[] {
  return Array.from({ length: elementsOf(tensor.shape) }, (_, at) => valueAt(tensor, at))
}

function byName(tensors: readonly Tensor[]): Record<string, unknown> {
  return Object.fromEntries(tensors.map((tensor) => [tensor.name, nestedOf(tensor)]))
}

/** One input stands for itself. */
function tensorsIn(tensors: readonly Tensor[]): unknown {
  const [only] = tensors
  return only !== undefined && tensors.length === 1 ? nestedOf(only) : byName(tensors)
}

function curlOf(url: string, body: string): string {
  return `curl '${url}' -H 'content-type: application/json' -d '${body.replaceAll("'", `'\\''`)}'`
}
