import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Problem } from '#base/problem'
import { openModelPythons } from '../serving/model-pythons.ts'

/** What a conversion needs beside the model's own packages. */
const CONVERTERS = [
  'mlflow',
  'onnx',
  'onnxruntime',
  'skl2onnx',
  'onnxmltools',
  'onnxscript',
  'tf2onnx',
  'pandas',
]

/** A Python with the packages that a model asks for and those of the converters, built when it is first asked for. */
export async function pythonToConvert(options: {
  readonly url: string
  readonly model: string
  readonly version: number
  /** Folder of the environments. */
  readonly environments: string
  readonly onProgress: (doing: string) => void
  readonly signal?: AbortSignal
}): Promise<string> {
  const { environments: folder, onProgress, signal } = options
  const requirements = (await fileOf(options, 'requirements.txt')) ?? ''
  const named = new Set(requirements.split('\n').map((line) => /^[\w-]+/.exec(line)?.[0] ?? ''))
  const more = CONVERTERS.filter((name) => !named.has(name))
  const build = openModelPythons(folder)
  const scratch = await mkdtemp(join(tmpdir(), 'orrery-convert-'))
  try {
    await writeFile(
      join(scratch, 'requirements.txt'),
      `${requirements.trimEnd()}\n${more.join('\n')}\n`,
    )
    const python = await fileOf(options, 'python_env.yaml')
    if (python !== undefined) await writeFile(join(scratch, 'python_env.yaml'), python)
    return await build(scratch, onProgress, signal)
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

async function fileOf(
  { url, model, version }: { url: string; model: string; version: number },
  path: string,
): Promise<string | undefined> {
  const query = new URLSearchParams({ name: model, version: String(version), path })
  const answer = await fetch(`${url}/model-versions/get-artifact?${query.toString()}`)
  if (answer.ok) return answer.text()
  if (answer.status === 404) return undefined
  throw new Problem(
    'unavailable',
    `${path} of ${model}/${version} cannot be read (${answer.status}); try again, or give a Python that has the model's packages with --python`,
  )
}
