import type { ExactJson } from '#base/exact-json'
import { Problem } from '#base/problem'
import { instantMs, type Feedback } from '#inference'
import { fieldsOf, isLabel, labelIn, rewardIn, textIn, type Fields } from './fields.ts'

/** Pieces of feedback in one request; more are sent in several. */
const FEEDBACK_MAX = 100_000

const FIELDS = new Set(
  'id inference_id prediction key row truth label reward source revision time ts'.split(' '),
)

/** Feedback in our own words: one piece, or `feedback` with a list of them. */
export function feedbackIn(body: ExactJson, route: number | undefined): Feedback[] {
  const fields = fieldsOf(body, 'the body')
  const { feedback } = fields
  const pieces =
    feedback === undefined
      ? [fields]
      : listOf(feedback).map((each, index) => fieldsOf(each, `feedback ${index}`))
  const all = pieces.flatMap((piece, index) =>
    pieceIn(piece, feedback === undefined ? 'the feedback' : `feedback ${index}`, route),
  )
  if (all.length > FEEDBACK_MAX)
    throw new Problem(
      'limit',
      `a request has at most ${FEEDBACK_MAX} pieces of feedback; send several`,
    )
  return all
}

function listOf(value: ExactJson): readonly ExactJson[] {
  if (!Array.isArray(value))
    throw new Problem('invalid', 'feedback must be a list of objects, each of which is one piece')
  return value as readonly ExactJson[]
}

function pieceIn(fields: Fields, name: string, route: number | undefined): Feedback[] {
  const unknown = Object.keys(fields).find((field) => !FIELDS.has(field))
  if (unknown !== undefined)
    throw new Problem(
      'invalid',
      `${name} has the field ${unknown}, which means nothing here; there are ${[...FIELDS].join(', ')}`,
    )
  const truths = valuesIn(fields['truth'] ?? fields['label'])
  const rewards = valuesIn(fields['reward'])
  const rows = Math.max(truths.length, rewards.length)
  if (rows === 0)
    throw new Problem('invalid', `${name} has neither a truth nor a reward; send one of them`)
  const refs = refsIn(fields, name, rows)
  const shared = sharedIn(fields, name, route)
  const pieces: Feedback[] = []
  for (const [row, ref] of refs.entries()) {
    const said = saidOf(truths[row] ?? null, rewards[row] ?? null, name)
    if (said !== undefined) pieces.push({ ref, ...shared, ...said })
  }
  return pieces
}

/** What is said of one row; nothing of one whose values are null. */
function saidOf(
  truth: ExactJson,
  reward: ExactJson,
  name: string,
): Pick<Feedback, 'label' | 'reward'> | undefined {
  if (truth === null && reward === null) return undefined
  return {
    ...(truth === null ? {} : { label: labelIn(truth, name) }),
    ...(reward === null ? {} : { reward: rewardIn(reward, name) }),
  }
}

/** One value for each row of a request, or one. */
function valuesIn(value: ExactJson | undefined): readonly ExactJson[] {
  if (value === undefined || value === null) return []
  return Array.isArray(value) ? (value as readonly ExactJson[]) : [value]
}

function refsIn(fields: Fields, name: string, rows: number): Feedback['ref'][] {
  const request = fields['id'] ?? fields['inference_id']
  const { prediction, key } = fields
  const named = [request, prediction, key].filter((each) => each !== undefined)
  if (named.length !== 1)
    throw new Problem(
      'invalid',
      `${name} must name either the request (id), one prediction (prediction) or the entity (key)`,
    )
  if (request !== undefined) {
    const value = textIn(request, `the id of ${name}`)
    const first = rowIn(fields['row'], name)
    return Array.from({ length: rows }, (_, row) => ({ by: 'request', value, row: first + row }))
  }
  if (rows > 1)
    throw new Problem(
      'invalid',
      `${name} has values for ${rows} rows; only a request (id) has more than one`,
    )
  if (prediction !== undefined)
    return [{ by: 'prediction', value: textIn(prediction, `the prediction of ${name}`) }]
  if (!isLabel(key) || typeof key === 'boolean')
    throw new Problem('invalid', `the key of ${name} is neither a text nor a number`)
  return [{ by: 'key', value: textIn(String(key), `the key of ${name}`) }]
}

function rowIn(row: ExactJson | undefined, name: string): number {
  if (row === undefined) return 0
  if (typeof row !== 'number' || !Number.isInteger(row) || row < 0 || row >= 2 ** 20)
    throw new Problem('invalid', `the row of ${name} must be a whole number from 0 on`)
  return row
}

function sharedIn(
  fields: Fields,
  name: string,
  route: number | undefined,
): Pick<Feedback, 'source' | 'revision' | 'timeMs'> {
  const { source = 'caller', revision = route } = fields
  const time = fields['time'] ?? fields['ts']
  if (
    revision !== undefined &&
    (typeof revision !== 'number' || !Number.isSafeInteger(revision) || revision < 1)
  )
    throw new Problem('invalid', `the revision of ${name} must be a whole number from 1 on`)
  const timeMs = time === undefined || time === null ? undefined : instantMs(time)
  if (time !== undefined && time !== null && timeMs === undefined)
    throw new Problem(
      'invalid',
      `the time of ${name} is no time; write RFC 3339 or milliseconds since 1970`,
    )
  return {
    source: textIn(source, `the source of ${name}`),
    ...(revision === undefined ? {} : { revision }),
    ...(timeMs === undefined ? {} : { timeMs }),
  }
}
