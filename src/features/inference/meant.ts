import { Problem } from '#base/problem'
import type { Inference } from './inference.ts'

/**
 * The endpoint that a request means: the one that it names, else the one that is set for requests that name none,
 * else the only one there is. Throws `not-found` with their names when there are several.
 */
export function meantEndpoint(
  { standings }: Pick<Inference, 'standings'>,
  { named, fallback }: { named: string | undefined; fallback: string | undefined },
): string {
  if (named !== undefined && named !== '') return named
  if (fallback !== undefined) return fallback
  const names = standings().map(({ endpoint }) => endpoint)
  const [only] = names
  if (only !== undefined && names.length === 1) return only
  throw new Problem(
    'not-found',
    names.length === 0
      ? 'there is no endpoint; declare one in orrery.yaml or with `orrery endpoint create`'
      : `this path means one endpoint and there are ${names.length}: ${names.slice(0, 20).join(', ')}; name one with ?endpoint=NAME, post to /endpoints/NAME/invocations, or set defaultEndpoint`,
  )
}
