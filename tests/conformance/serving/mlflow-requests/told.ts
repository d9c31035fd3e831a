import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { pythonBin } from '../../../support/python.ts'
import type { Asked } from './requests.ts'

/** What a server answered. */
export interface Answer {
  readonly status: number
  readonly type: string
  readonly body: string
  /** The bytes that were sent, in base64, where Python made them. */
  readonly sent?: string
}

const HERE = import.meta.dirname
const TOLD = join(HERE, '..', 'told', 'mlflow-scoring.json')
const SCRIPT = join(HERE, '..', 'scripts', 'mlflow_requests.py')

/** The models that are asked, as MLflow saved them. */
export const MODELS = join(HERE, 'models')

/**
 * What MLflow's own server answered: recorded once. ORRERY_TEST_RECORD=1 asks it anew, of models that are saved anew.
 */
export async function toldByMlflow(
  stories: Readonly<Record<string, readonly Asked[]>>,
): Promise<Readonly<Record<string, readonly Answer[]>>> {
  if (process.env['ORRERY_TEST_RECORD'] === '1') {
    const asked = Object.values(stories).flat()
    const answers = await askMlflow(asked)
    const told = Object.entries(stories).map(([name, story]) => {
      const lines = story.map((each) => JSON.stringify(brief(answers[asked.indexOf(each)])))
      return `${JSON.stringify(name)}: [\n${lines.join(',\n')}\n]`
    })
    await writeFile(TOLD, `{\n${told.join(',\n')}\n}\n`)
  }
  return JSON.parse(await readFile(TOLD, 'utf8')) as Record<string, Answer[]>
}

/** Of a failure only its kind: what it says of the data is long. */
function brief(answer: Answer | undefined): Answer | undefined {
  if (answer === undefined || answer.status === 200 || !answer.body.startsWith('{')) return answer
  const { error_code, message, detail } = JSON.parse(answer.body) as Record<string, string>
  const words = message === undefined ? {} : { message: message.slice(0, 120) }
  return { ...answer, body: JSON.stringify({ error_code, ...words, detail }) }
}

async function askMlflow(asked: readonly Asked[]): Promise<Answer[]> {
  const folder = await mkdtemp(join(tmpdir(), 'orrery-mlflow-requests-'))
  try {
    await writeFile(join(folder, 'requests.json'), JSON.stringify(asked))
    await mkdir(join(folder, 'saved'))
    await promisify(execFile)(join(pythonBin(), 'python'), [SCRIPT], {
      env: {
        ...process.env,
        ORRERY_SAVED: join(folder, 'saved'),
        ORRERY_REQUESTS: join(folder, 'requests.json'),
        ORRERY_ANSWERS: join(folder, 'answers.json'),
      },
      maxBuffer: 64 * 1024 * 1024,
    })
    for (const model of new Set(asked.map((each) => each.model)))
      await keep(join(folder, 'saved', model), join(MODELS, model))
    return JSON.parse(await readFile(join(folder, 'answers.json'), 'utf8')) as Answer[]
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Keeps what a model needs, without the places of this machine; code in Python is what is kept already. */
async function keep(saved: string, kept: string): Promise<void> {
  for (const file of ['MLmodel', 'model.onnx'])
    await cp(join(saved, file), join(kept, file)).catch(() => undefined)
  const declared = await readFile(join(kept, 'MLmodel'), 'utf8')
  await writeFile(join(kept, 'MLmodel'), declared.replaceAll(`${kept}/`, ''))
}
