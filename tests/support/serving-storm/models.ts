import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { filesOfModel } from '../models.ts'

// Models that say who they are: each gives its number back as it came, and once more with its version on top.

/** What a version adds for each of its numbers: far above every number that is asked. */
export const STEP = 2 ** 33
const MARK = 123456789.015625

export interface Said {
  readonly echo: number
  readonly sum: number
}

/** The version that said this to a number; undefined if it is no version's answer to it. */
export function versionThatSaid({ echo, sum }: Said, asked: number): number | undefined {
  const version = (sum - asked) / STEP
  return echo === asked && Number.isInteger(version) ? version : undefined
}

const INPUTS = [{ name: 'x', type: 'float' as const }]

export async function onnxFiles(version: number): Promise<[string, Buffer][]> {
  const files = await filesOfModel({ file: 'marked.onnx', inputs: INPUTS, outputs: [] })
  return files.map(([name, bytes]) => [
    name,
    name === 'model.onnx'
      ? marked(bytes, version)
      : Buffer.from(bytes.toString().replaceAll('float', 'double')),
  ])
}

function marked(bytes: Buffer, version: number): Buffer {
  const mark = Buffer.alloc(8)
  mark.writeDoubleLE(MARK)
  const at = bytes.indexOf(mark)
  if (at === -1) throw new Error('marked.onnx has no mark; make it anew with make.py')
  const own = Buffer.from(bytes)
  own.writeDoubleLE(version * STEP, at)
  return own
}

const CODE = await readFile(join(import.meta.dirname, 'marked.py'), 'utf8')

export function pythonFiles(version: number): [string, Buffer][] {
  const signature = JSON.stringify([{ type: 'double', name: 'x', required: true }])
  const description = stringify({
    flavors: {
      python_function: {
        code: null,
        env: {},
        loader_module: 'mlflow.pyfunc.loaders.code_model',
        model_code_path: 'marked.py',
        python_version: '3.11.7',
        streamable: false,
      },
    },
    mlflow_version: '3.17.2',
    signature: { inputs: signature, outputs: null, params: null },
  })
  return [
    ['MLmodel', Buffer.from(description)],
    ['marked.py', Buffer.from(CODE.replace('MARK = 0.0', `MARK = ${version * STEP}.0`))],
  ]
}
