import type { Experiment } from '#tracking'

/** The file of spans that clients put beside a trace when the server does not take them. */
export const SPANS_FILE = 'traces.json'

/** Where the files of a trace lie. */
export function artifactUriOf(
  { artifactLocation }: Pick<Experiment, 'artifactLocation'>,
  traceId: string,
): string {
  return `${artifactLocation.replace(/\/+$/, '')}/traces/${traceId}/artifacts`
}
