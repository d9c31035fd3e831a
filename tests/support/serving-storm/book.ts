import type { Answered, Asker, Question } from './asks.ts'
import { versionThatSaid } from './models.ts'

/** A prediction as the log tells it. */
export interface LoggedPrediction {
  readonly id: string
  readonly modelVersion: string
  readonly revision: number
  readonly inputs: Readonly<Record<string, unknown>>
  readonly outputs: Readonly<Record<string, unknown>>
}

/** Times in which a process was away that had been killed, or was asked to end. */
export interface Outages {
  begin(how: 'killed' | 'drained'): () => void
  /** What was away at any moment between then and now. */
  since(ms: number): ReadonlySet<'killed' | 'drained'>
}

export function outages(): Outages {
  const all: { how: 'killed' | 'drained'; fromMs: number; toMs: number }[] = []
  return {
    begin: (how) => {
      const outage = { how, fromMs: performance.now(), toMs: Infinity }
      all.push(outage)
      return () => (outage.toMs = performance.now())
    },
    since: (ms) => new Set(all.filter(({ toMs }) => toMs >= ms).map(({ how }) => how)),
  }
}

interface Entry extends Question {
  readonly by: Asker
  readonly answer: (Answered & { kind: 'answer' }) | undefined
  /** May be in the log although nobody was answered. */
  readonly mayBeLogged: boolean
}

/** What was asked, and what came of it. */
export function newBook() {
  const entries = new Map<number, Entry>()
  const counts = { answered: 0, refused: 0, lost: 0 }
  const faults: string[] = []
  return {
    counts,
    faults,
    enter: (
      question: Question,
      answered: Answered,
      { by, away }: { by: Asker; away: ReadonlySet<string> },
    ) => {
      const who = `${by.protocol} asked ${question.endpoint} for ${question.x}`
      if (answered.kind === 'wrong') faults.push(`${who}: ${answered.how}`)
      if (answered.kind === 'lost' && away.size === 0)
        faults.push(`${who}: nobody was ended, and still: ${answered.how}`)
      if (answered.kind === 'answer') {
        counts.answered += 1
        faults.push(...answerFaults(question, answered).map((fault) => `${who}: ${fault}`))
      } else if (answered.kind !== 'wrong') counts[answered.kind] += 1
      const before = entries.get(question.x)
      entries.set(question.x, {
        ...question,
        by,
        answer: answered.kind === 'answer' ? answered : before?.answer,
        mayBeLogged:
          before?.mayBeLogged === true || (answered.kind === 'lost' && away.has('killed')),
      })
    },
    /** What is wrong with what was logged since the last time. */
    review: (logged: readonly LoggedPrediction[]): string[] => {
      const wrong = logFaults(entries, logged)
      entries.clear()
      return wrong
    },
    /** Requests with a name of their own whose fate is not known. */
    unknown: (): (Question & { by: Asker })[] =>
      [...entries.values()].filter(
        ({ id, answer, mayBeLogged }) => id !== undefined && answer === undefined && mayBeLogged,
      ),
  }
}

function answerFaults({ endpoint, x }: Question, answer: Answered & { kind: 'answer' }): string[] {
  const { said, model, revision, prediction } = answer
  const version = versionThatSaid(said, x)
  if (version === undefined)
    return [`the answer is another's: ${said.echo} and ${said.sum}, of ${model}`]
  const faults: string[] = []
  if (model !== `${endpoint}/${version}`)
    faults.push(`version ${version} answered, and the answer says ${model}`)
  if (!(revision >= 1)) faults.push(`the answer names the revision ${revision}`)
  if (!/^[\w.-]{9,}$/.test(prediction)) faults.push(`the answer names the prediction ${prediction}`)
  return faults
}

function logFaults(
  entries: ReadonlyMap<number, Entry>,
  logged: readonly LoggedPrediction[],
): string[] {
  const wrong: string[] = []
  const found = new Map<number, LoggedPrediction[]>()
  for (const each of logged) {
    const x = Number(each.inputs['x'])
    found.set(x, [...(found.get(x) ?? []), each])
    if (!entries.has(x)) wrong.push(`${each.id} is logged for ${x}, which nobody asked`)
  }
  for (const [x, { answer, endpoint, mayBeLogged }] of entries) {
    const kept = found.get(x) ?? []
    if (answer === undefined) {
      if (kept.length > (mayBeLogged ? 1 : 0))
        wrong.push(`${x} of ${endpoint} was not answered and is logged: ${JSON.stringify(kept)}`)
      continue
    }
    const own = kept.filter(({ id }) => id === `${answer.prediction}-0`)
    if (own.length !== 1 || kept.length !== 1)
      wrong.push(
        `${x} of ${endpoint} was answered as ${answer.prediction} and is logged ${own.length} times, and ${kept.length - own.length} times under other names`,
      )
    const [one] = own
    if (
      one !== undefined &&
      (one.modelVersion !== answer.model ||
        one.revision !== answer.revision ||
        one.outputs['echo'] !== answer.said.echo ||
        one.outputs['sum'] !== answer.said.sum)
    )
      wrong.push(
        `${x} was answered with ${JSON.stringify(answer)} and logged as ${JSON.stringify(one)}`,
      )
  }
  return wrong
}

export type Book = ReturnType<typeof newBook>
