import * as fc from 'fast-check'
import { goodRequest } from './mistakes.ts'
import { nameOf, pathOf, type Route } from './route.ts'
import type { RawRequest } from './wire.ts'

/** A request with one value exchanged for one that somebody careless or spiteful might send. */
export interface NastyRequest {
  readonly what: string
  readonly route: Route
  readonly request: RawRequest
}

const TEXTS = [
  '',
  ' ',
  '.',
  '..',
  '../../../etc/passwd',
  '..%2f..%2fetc%2fpasswd',
  '%252e%252e%252f',
  '/etc/passwd',
  'C:\\windows',
  'file:///etc/passwd',
  '\u0000',
  'a\nb\r\nx-injected: 1',
  '\u001b[31mred',
  '\ud800',
  '\u202Eevil',
  '__proto__',
  'constructor',
  'toString',
  "' or 1=1 --",
  "name = 'a' AND",
  '"; drop table runs; --',
  '%',
  '-1',
  '0',
  '1.5',
  'NaN',
  'Infinity',
  '99999999999999999999',
  '0001-01-01T00:00:00Z',
  '+275760-09-13T00:00:00.001Z',
  '2024-02-31T00:00:00Z',
  'models:/nobody/1',
  'mlflow-artifacts:/../../x',
  'x'.repeat(300),
  'x'.repeat(5000),
  '🪐'.repeat(200),
]

const VALUES: readonly unknown[] = [
  ...TEXTS,
  'x'.repeat(1_000_000),
  null,
  true,
  -1,
  0,
  1.5,
  -0.0,
  2 ** 31,
  2 ** 53,
  -(2 ** 63),
  1e308,
  5e-324,
  [],
  {},
  [null],
  [[]],
  [{}],
  { __proto__: null, odd: 1 },
  Array.from({ length: 5000 }, (_, at) => at),
  Array.from({ length: 500 }).reduce<unknown>((inner) => [inner], []),
]

const nastyText = fc.oneof(fc.constantFrom(...TEXTS), fc.string({ unit: 'binary', maxLength: 40 }))
const nastyValue = fc.oneof(fc.constantFrom(...VALUES), fc.string({ unit: 'binary' }), fc.double())

/** Any route, with any of its values made nasty. */
export function nastyRequests(routes: readonly Route[]): fc.Arbitrary<NastyRequest> {
  const targets = routes.flatMap(targetsOf)
  return fc.constantFrom(...targets).chain(({ route, target, isText, make }) =>
    (isText ? nastyText : nastyValue).map((value) => ({
      what: `${nameOf(route)}, ${target} is ${JSON.stringify(value)?.slice(0, 80)}`,
      route,
      request: { ...goodRequest(route), ...make(value) },
    })),
  )
}

interface Target {
  readonly route: Route
  readonly target: string
  readonly isText: boolean
  make(value: unknown): Partial<RawRequest>
}

function targetsOf(route: Route): Target[] {
  const { places, query, body } = route
  const text = (target: string, make: (value: string) => Partial<RawRequest>): Target => ({
    route,
    target,
    isText: true,
    make: (value) => make(String(value)),
  })
  return [
    ...Object.keys(places).map((place) =>
      text(place, (value) => ({ path: pathOf(route, { [place]: encoded(value) }) })),
    ),
    ...Object.keys(query).flatMap((name) => [
      text(`?${name}`, (value) => ({
        path: pathOf(route, {}, Object.entries({ ...query, [name]: value }).map(wellFormed)),
      })),
      text(`?${name} twice`, (value) => ({
        path: pathOf(route, {}, [...Object.entries(query), wellFormed([name, value])]),
      })),
    ]),
    text('?another', (value) => ({
      path: pathOf(route, {}, [...Object.entries(query), wellFormed(['another', value])]),
    })),
    ...pathsIn(body).map((path): Target => ({
      route,
      target: path.join('.'),
      isText: false,
      make: (value) => ({ body: JSON.stringify(withValue(body, path, value)) }),
    })),
  ]
}

/** Half of a surrogate pair cannot be written in an address. */
function encoded(text: string): string {
  return encodeURIComponent(text.toWellFormed())
}

function wellFormed([name, value]: readonly [string, string]): readonly [string, string] {
  return [name, value.toWellFormed()]
}

/** The way to each value in a body, inner ones as well. */
function pathsIn(value: unknown): string[][] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inner]) =>
    [[], ...pathsIn(inner)].map((path) => [key].concat(path)),
  )
}

function withValue(whole: unknown, [key, ...rest]: readonly string[], value: unknown): unknown {
  if (key === undefined) return value
  if (Array.isArray(whole))
    return whole.map((item, at) => (String(at) === key ? withValue(item, rest, value) : item))
  const fields = whole as Record<string, unknown>
  return { ...fields, [key]: withValue(fields[key], rest, value) }
}
