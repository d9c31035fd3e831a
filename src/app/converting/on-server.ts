import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Problem } from '#base/problem'
import type { TrainingRows } from '#protocols/api/training-rows'
import type { Ground } from '../ground.ts'
import { variablesOfModels } from '../serving/python-runtime.ts'
import { convertWith, notConverted, sampleIn, type Converted } from './convert.ts'
import { pythonToConvert } from './python.ts'

const TOLERANCE = 1e-4
const ROWS_MAX = 20_000

interface Version {
  readonly model: string
  readonly version: number
}

/**
 * Converts a version as `orrery convert` does, in a process that sees nothing secret and has a folder of its own; gives
 * what it was registered as. Throws when it cannot be converted, with where the answers differ.
 */
export async function convertOnServer(
  {
    config,
    url,
    logger,
    trainingRows,
  }: Pick<Ground, 'config' | 'url' | 'logger'> & { readonly trainingRows: TrainingRows },
  { model, version }: Version,
  signal: AbortSignal,
): Promise<Version> {
  const { environments, modelPython } = config
  const source = `${model}/${version}`
  const say = (doing: string) => logger.info({ version: source }, doing)
  const wanted = { url: url(), model, version, environments, onProgress: say, signal }
  const python = modelPython === '' ? await pythonToConvert(wanted) : modelPython
  const folder = await mkdtemp(join(tmpdir(), 'orrery-converting-'))
  try {
    const sample = await sampleIn(folder, () => trainingRows.of(model, version, ROWS_MAX))
    const outcome = await convertWith(
      python,
      {
        url: url(),
        model,
        version: String(version),
        register_as: model,
        rows_max: ROWS_MAX,
        tolerance: TOLERANCE,
        dry: false,
        memory_bytes_max: config.modelMemoryBytesMax,
        ...sample,
      },
      { variables: { ...variablesOfModels(), HOME: folder, TMPDIR: folder }, signal, say },
    )
    if (outcome.version === undefined) throw differs(source, outcome)
    return { model, version: outcome.version }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function differs(source: string, outcome: Converted): Problem {
  const [first] = outcome.where
  const where =
    first === undefined
      ? ''
      : `; in row ${first.row} of ${first.of} ${first.output} is ${String(first.model)} by the model and ${String(first.onnx)} by ONNX`
  return new Problem('conflict', `${notConverted(source, outcome)}${where}`)
}
