import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { stringify } from 'yaml'

const FIXTURES = join(import.meta.dirname, '..', 'fixtures', 'models')

/** An ONNX model of the fixtures and the columns that it reads. */
export interface FixtureModel {
  readonly file: string
  readonly inputs: readonly Column[]
  readonly outputs: readonly Column[]
}

interface Column {
  readonly name: string
  readonly type: 'string' | 'float' | 'long'
}

/** Lateness by carrier, hour and distance. */
export const FLIGHTS: FixtureModel = {
  file: 'flights.onnx',
  inputs: [
    { name: 'carrier', type: 'string' },
    { name: 'hour', type: 'float' },
    { name: 'distance', type: 'float' },
  ],
  outputs: [{ name: 'label', type: 'long' }],
}

/** Counts to the largest of its inputs; `loop-slow` takes its time, `loop-fail` fails for 3 and more. */
export const LOOP: FixtureModel = {
  file: 'loop.onnx',
  inputs: [{ name: 'rounds', type: 'long' }],
  outputs: [{ name: 'counts', type: 'long' }],
}

/** Writes the folder that `mlflow.onnx.log_model` would have made of a fixture. */
export async function writeModel(model: FixtureModel, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  await copyFile(join(FIXTURES, model.file), join(folder, 'model.onnx'))
  await writeFile(join(folder, 'MLmodel'), mlmodelOf(model))
}

/** The files of such a folder, by their path in it. */
export async function filesOfModel(model: FixtureModel): Promise<[string, Buffer][]> {
  return [
    ['model.onnx', await readFile(join(FIXTURES, model.file))],
    ['MLmodel', Buffer.from(mlmodelOf(model))],
  ]
}

function mlmodelOf({ inputs, outputs }: FixtureModel): string {
  return stringify({
    flavors: {
      onnx: { data: 'model.onnx', providers: ['CPUExecutionProvider'], code: null },
      python_function: { data: 'model.onnx', loader_module: 'mlflow.onnx', env: {} },
    },
    mlflow_version: '3.17.2',
    signature: { inputs: schemaOf(inputs), outputs: schemaOf(outputs), params: null },
  })
}

function schemaOf(columns: readonly Column[]): string {
  return JSON.stringify(columns.map((column) => ({ ...column, required: true })))
}
