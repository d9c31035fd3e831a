/** A message about a stage of `dvc.yaml` with the line that it is about: that of the text it quotes, or of the stage's name. */
export function withLine(source: string, stage: string | undefined, message: string): string {
  const lines = source.split(/\r?\n/)
  const name = stage?.split('@')[0]
  const isName = (line: string) => line.trimEnd().replaceAll(/['"]/g, '') === `  ${name}:`
  const start = name === undefined ? 0 : lines.findIndex(isName)
  if (start < 0) return message
  const next = lines.findIndex((line, at) => at > start && /^ {0,2}[^\s#]/.test(line))
  const own = lines.slice(start, name === undefined || next < 0 ? lines.length : next)
  const quoted = [...message.matchAll(/'([^']+)'/g)].map((match) => match[1] ?? '')
  const at = own.findIndex(
    (line) => line.includes('${') && quoted.some((text) => line.includes(text)),
  )
  if (at < 0 && name === undefined) return message
  return `line ${start + Math.max(at, 0) + 1}: ${message}`
}
