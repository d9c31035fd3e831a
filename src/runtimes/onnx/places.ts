const PATHS = /(?<![\w/.])\/(?:[^\s/:'"()]+\/)+([^\s/:'"()]*)/g

/** What a model or its runtime says, without telling where things lie on this machine. */
export function withoutPlaces(text: string): string {
  return text.replaceAll(PATHS, '$1')
}
