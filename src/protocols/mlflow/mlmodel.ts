import type { Readable } from 'node:stream'
import { parse } from 'yaml'
import { messageOf } from '#base/problem'
import {
  NO_DESCRIPTION,
  type DescribeModel,
  type ExampleRows,
  type ModelDescription,
} from '#registry'
import { signatureIn } from './signature.ts'

/** No declaration of a model is this long; a file that is holds something else. */
const DECLARATION_BYTES_MAX = 4 * 1024 * 1024
/** Rows of the example that are kept: a model is tried with them, not tested. */
const EXAMPLE_ROWS_MAX = 5

/** Reads a model's `MLmodel` file, and the example of its input if it has one. */
export const describeMlModel: DescribeModel = async (files, open) => {
  const textOf = async (path: string | undefined) =>
    path !== undefined && files.some((file) => file.path === path)
      ? read(await open(path))
      : undefined
  const text = await textOf('MLmodel')
  if (text === undefined) return NO_DESCRIPTION
  const { description, examplePath } = modelIn(text)
  const example = await textOf(examplePath)
  return example === undefined ? description : withExample(description, example)
}

/** What an `MLmodel` file says. What it says wrongly is among the problems, and counts as not said. */
export function modelIn(text: string): {
  description: ModelDescription
  examplePath: string | undefined
} {
  const problems: string[] = []
  const model = recordIn(attempt(problems, 'MLmodel', () => parse(text) as unknown))
  const flavors = recordIn(model['flavors'])
  const onnx = recordIn(flavors['onnx'])['data']
  const example = recordIn(model['saved_input_example_info'])['serving_input_path']
  return {
    description: {
      flavors: Object.keys(flavors),
      onnx: typeof onnx === 'string' ? { path: onnx } : null,
      signature: signatureIn(model['signature'], problems),
      inputExample: null,
      problems,
    },
    examplePath: typeof example === 'string' ? example : undefined,
  }
}

/** Adds the rows of an example as clients send it to a model's server; other forms are left out. */
function withExample(description: ModelDescription, json: string): ModelDescription {
  const problems = [...description.problems]
  const example = recordIn(
    attempt(problems, 'the input example', () => JSON.parse(json) as unknown),
  )
  const { columns, data } = recordIn(example['dataframe_split'])
  const rows = Array.isArray(columns) && Array.isArray(data) ? { columns, data } : undefined
  return { ...description, problems, inputExample: rows === undefined ? null : rowsIn(rows) }
}

function rowsIn({ columns, data }: { columns: unknown[]; data: unknown[] }): ExampleRows | null {
  const rows = data.slice(0, EXAMPLE_ROWS_MAX)
  const plain = rows.every(
    (row) => Array.isArray(row) && row.length === columns.length && row.every(isScalar),
  )
  return plain ? { columns: columns.map(String), rows: rows as ExampleRows['rows'] } : null
}

function isScalar(value: unknown): boolean {
  return value === null || ['string', 'number', 'boolean'].includes(typeof value)
}

/** The value, or undefined with a line among the problems. */
function attempt(problems: string[], what: string, work: () => unknown): unknown {
  try {
    return work()
  } catch (error) {
    problems.push(`${what} cannot be read: ${messageOf(error).split('\n')[0]}`)
    return undefined
  }
}

function recordIn(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : {}
}

async function read(bytes: Readable): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of bytes) {
    chunks.push(chunk as Buffer)
    size += (chunk as Buffer).length
    if (size > DECLARATION_BYTES_MAX) break
  }
  return Buffer.concat(chunks).toString('utf8')
}
