import type { Readable } from 'node:stream'
import { parse } from 'yaml'
import { messageOf } from '#base/problem'
import { NO_DESCRIPTION, type DescribeModel, type ModelDescription } from '#registry'
import { exampleIn } from './input-example.ts'
import { recordIn, signatureIn } from './signature.ts'

/** No declaration of a model is this long; a file that is holds something else. */
const DECLARATION_BYTES_MAX = 4 * 1024 * 1024
/** What is kept of the example beside a version: a model is tried with it, not tested. */
const KEPT = { rows: 5, values: 4096 }

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

/** Adds the first rows of an example as clients send it to a model's server. */
function withExample(description: ModelDescription, json: string): ModelDescription {
  const problems = [...description.problems]
  const example = attempt(problems, 'the input example', () => exampleIn(json, KEPT)) ?? null
  return { ...description, problems, inputExample: example }
}

/** The value, or undefined with a line among the problems. */
function attempt<Found>(problems: string[], what: string, work: () => Found): Found | undefined {
  try {
    return work()
  } catch (error) {
    problems.push(`${what} cannot be read: ${messageOf(error).split('\n')[0]}`)
    return undefined
  }
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
