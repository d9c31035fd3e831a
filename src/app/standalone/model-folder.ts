import { createHash } from 'node:crypto'
import { createReadStream, existsSync } from 'node:fs'
import { readdir, readFile, stat } from 'node:fs/promises'
import { basename, dirname, join, relative } from 'node:path'
import { messageOf, Problem } from '#base/problem'
import { servableOf, type PlacedFiles, type PlacedRevision } from '#inference'
import { describeMlModel } from '#protocols/mlflow/mlmodel'
import { NO_DESCRIPTION, type ModelDescription } from '#registry'

/** Beside a model that was packaged: which version of a registered model it is. */
export const IDENTITY_FILE = '.orrery.json'

export interface Identity {
  readonly model: string
  readonly version: number
  readonly digest: string
}

/**
 * A model from a folder that MLflow has saved, or from an ONNX file, as it can be served under a name. Throws
 * `invalid` for what is neither.
 */
export async function modelAt(path: string, name: string): Promise<PlacedRevision> {
  const there = await stat(path).catch((error: unknown) => {
    throw new Problem('invalid', `there is no model at ${path}: ${messageOf(error)}`)
  })
  const { description, files } = there.isDirectory()
    ? await described(path)
    : { description: { ...NO_DESCRIPTION, onnx: { path } }, files: { path: onnxFile(path) } }
  const folder = there.isDirectory() ? path : dirname(path)
  const { model, version, digest } = (await identityIn(folder)) ?? {
    model: name,
    version: 1,
    digest: await digestOf(there.isDirectory() ? join(path, 'MLmodel') : path),
  }
  const servable = servableOf({ model, version, digest, description })
  return {
    servable,
    files,
    revision: {
      endpoint: name,
      number: 1,
      role: 'live',
      model,
      version,
      digest,
      createdMs: there.mtimeMs,
    },
  }
}

/** The name that a model goes by when it is given none: that of its folder or file. */
export function nameOf(path: string): string {
  return basename(path)
    .replace(/\.onnx$/i, '')
    .replaceAll(/[^\w.-]/g, '-')
}

async function described(
  folder: string,
): Promise<{ description: ModelDescription; files: PlacedFiles }> {
  if (!existsSync(join(folder, 'MLmodel')))
    throw new Problem(
      'invalid',
      `${folder} holds no MLmodel file; give a folder that mlflow has saved a model to, or an .onnx file`,
    )
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => ({
      path: relative(folder, join(entry.parentPath, entry.name)),
      sizeBytes: 0,
      digest: '',
    }))
  const description = await describeMlModel(files, async (path) =>
    createReadStream(join(folder, path)),
  )
  const { onnx, flavors } = description
  if (onnx !== null) return { description, files: { path: join(folder, onnx.path), runs: 'onnx' } }
  if (flavors.includes('python_function'))
    return { description, files: { path: folder, runs: 'python' } }
  throw new Problem(
    'invalid',
    `the model in ${folder} can be run neither by ONNX Runtime nor by Python: its flavors are ${flavors.join(', ') || 'none'}`,
  )
}

function onnxFile(path: string): string {
  if (/\.onnx$/i.test(path)) return path
  throw new Problem(
    'invalid',
    `${path} is neither a folder that mlflow has saved nor an .onnx file`,
  )
}

async function identityIn(folder: string): Promise<Identity | undefined> {
  const file = join(folder, IDENTITY_FILE)
  return existsSync(file) ? (JSON.parse(await readFile(file, 'utf8')) as Identity) : undefined
}

async function digestOf(file: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer)
  return hash.digest('hex')
}
