import type { RawRequest } from './wire.ts'
import { pathOf, type Route } from './route.ts'

/** A request that is wrong, how, and what its answer must speak of. */
export interface Mistake {
  readonly what: string
  readonly request: RawRequest
  /** The answer's message has one of these. */
  readonly names?: readonly string[]
  /** The status, where the kind of mistake has one of its own. */
  readonly status?: number
}

const JSON_TYPE = { 'content-type': 'application/json' }
/** A byte more than the 64 MiB that a body may have. */
const TOO_LONG = 64 * 1024 * 1024 + 1

/** Every mistake that a route must refuse, whatever it does. */
export function mistakesOn(route: Route): Mistake[] {
  return [...ofTheCaller(route), ...ofThePath(route), ...ofTheBody(route), ...ofTheFields(route)]
}

/** The request that the route would take. */
export function goodRequest(route: Route): RawRequest {
  const { method, body } = route
  return {
    method,
    path: pathOf(route),
    ...(body === undefined ? {} : { headers: JSON_TYPE, body: JSON.stringify(body) }),
  }
}

function ofTheCaller(route: Route): Mistake[] {
  const request = goodRequest(route)
  const from = (headers: Record<string, string>) => ({
    ...request,
    headers: { ...request.headers, ...headers },
  })
  return [
    {
      what: 'a foreign Host',
      request: from({ host: 'orrery.example:80' }),
      names: ['orrery.example'],
      status: 403,
    },
    {
      what: 'a foreign Origin',
      request: from({ origin: 'http://orrery.example' }),
      names: ['orrery.example'],
      status: 403,
    },
  ]
}

/** Places where any name will do: what is made there is new, and what is deleted there may be gone already. */
const FREE = [
  '/pipeline-runs/{id}/stages/{stage}/skip stage',
  '/artifacts/{file} file',
  '/datasets/{dataset} dataset',
]

/** Nothing has this name. */
const NOBODY = 'nobody-999'

function ofThePath(route: Route): Mistake[] {
  const isBound = (place: string) =>
    !(route.method !== 'GET' && FREE.some((free) => `${route.path} ${place}`.endsWith(free)))
  return Object.keys(route.places)
    .filter(isBound)
    .flatMap((place): Mistake[] => {
      const at = (value: string, names?: string): Mistake => ({
        what: `${place} is ${JSON.stringify(value.slice(0, 40))}`,
        request: { ...goodRequest(route), path: pathOf(route, { [place]: value }) },
        ...(names === undefined ? {} : { names: [names] }),
      })
      return [
        at(NOBODY, NOBODY),
        at('..%2F..%2Fetc%2Fpasswd'),
        at('a%00b%0Ac'),
        at('%zz'),
        at('x'.repeat(900)),
        at('x'.repeat(5000)),
      ]
    })
}

function ofTheBody(route: Route): Mistake[] {
  const { protocol, body } = route
  if (body === undefined) return []
  const request = goodRequest(route)
  const text = JSON.stringify(body)
  const as = (what: string, sent: string, names = 'JSON'): Mistake => ({
    what: `the body is ${what}`,
    request: { ...request, body: sent },
    names: [names],
  })
  const typed = (type: string, names: string): Mistake => ({
    what: `the body is sent as ${type}`,
    request: { ...request, headers: { 'content-type': type } },
    names: [names],
  })
  return [
    ...(route.required.length > 0
      ? [{ what: 'no body', request: { method: request.method, path: request.path } }]
      : []),
    ...(route.required.length > 0 ? [as('empty', '', '')] : []),
    as('a text', '"text"', ''),
    as('a list', '[1]', ''),
    as('a number', '7', ''),
    as('null', 'null', ''),
    as('cut off', text.slice(0, -1)),
    as('not JSON', '{"a": NaN, }'),
    ...(protocol === 'inference' ? [] : [typed('text/plain', 'text/plain')]),
    ...(protocol === 'inference' ? [] : [typed('application/x-odd', 'application/x-odd')]),
    {
      what: 'the body is said to be too long',
      request: {
        ...request,
        headers: { ...JSON_TYPE, 'content-length': String(TOO_LONG), connection: 'close' },
      },
    },
  ]
}

function ofTheFields(route: Route): Mistake[] {
  const { body = {}, query, required } = route
  const request = goodRequest(route)
  const withBody = (changed: Record<string, unknown>) => ({
    ...request,
    body: JSON.stringify(changed),
  })
  const missing = required.map((field): Mistake => {
    const { [field]: _, ...rest } = { ...body, ...query }
    const left = Object.entries(query).filter(([name]) => name !== field)
    return {
      what: `${field} is missing`,
      request:
        route.body === undefined ? { ...request, path: pathOf(route, {}, left) } : withBody(rest),
      names: [field],
    }
  })
  const odd = Object.entries(body).map(([field, value]): Mistake => ({
    what: `${field} is of the wrong type`,
    request: withBody({ ...body, [field]: wrongOf(value) }),
    names: [field, JSON.stringify(wrongOf(value))],
  }))
  const numbers = Object.entries(query)
    .filter(([, value]) => /^-?\d+$/.test(value))
    .flatMap(([field, example]) =>
      // A number whose example is below zero may be so.
      ['many', ...(example.startsWith('-') ? [] : ['-7']), '1e400', '1.5', 'NaN'].map(
        (text): Mistake => {
          const changed = Object.entries({ ...query, [field]: text })
          return {
            what: `${field}=${text}`,
            request: { ...request, path: pathOf(route, {}, changed) },
            names: [field, text],
          }
        },
      ),
    )
  return [...missing, ...odd, ...numbers]
}

/** A value that nothing could take for the one that belongs there. */
function wrongOf(value: unknown): unknown {
  if (typeof value === 'number') return 'many'
  if (typeof value === 'boolean') return 'perhaps'
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return 7
  return { odd: [true] }
}
