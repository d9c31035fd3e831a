import { aboutOf, labelText, NAMED_MAX, type Notice } from '#alerting'

/** Slack shows at most so much of a header and of a section. */
const HEADER_CHARS_MAX = 150
const SECTION_CHARS_MAX = 3000

/** A message for an incoming webhook of Slack, in its blocks; `text` is what notifications show. */
export function slackMessage(notice: Notice): object {
  const { title, link } = notice
  const lines = linesOf(notice)
  return {
    text: `${signOf(notice)} ${escaped(title)}`,
    blocks: [
      {
        type: 'header',
        text: { type: 'plain_text', text: cut(`${signOf(notice)} ${title}`, HEADER_CHARS_MAX) },
      },
      { type: 'section', text: { type: 'mrkdwn', text: cutLines(lines, SECTION_CHARS_MAX) } },
      {
        type: 'context',
        elements: [{ type: 'mrkdwn', text: cut(contextOf(notice), SECTION_CHARS_MAX) }],
      },
      ...(link === null
        ? []
        : [
            {
              type: 'actions',
              elements: [
                { type: 'button', text: { type: 'plain_text', text: 'Look at it' }, url: link },
              ],
            },
          ]),
    ],
  }
}

function linesOf({ troubles, acknowledged }: Notice): string[] {
  const named = troubles.slice(0, NAMED_MAX).map((trouble) => {
    const detail = `*${escaped(aboutOf(trouble))}*: ${escaped(trouble.detail)}`
    return trouble.clearedMs === null ? `• ${detail}` : `• ~${escaped(aboutOf(trouble))}~ is over`
  })
  const more = troubles.length - named.length
  const heard =
    acknowledged === null
      ? []
      : [`_${escaped(acknowledged.by)} looks after it_ ${escaped(acknowledged.comment)}`]
  return [...named, ...(more > 0 ? [`and ${more} more`] : []), ...heard]
}

function contextOf({ severity, project, labels, sinceMs, open, over }: Notice): string {
  const parts = [
    severity,
    escaped(labelText({ ...labels, project })),
    `${open} open, ${over} over`,
    `since <!date^${Math.floor(sinceMs / 1000)}^{date_num} {time}|${new Date(sinceMs).toISOString()}>`,
  ]
  return parts.join(' · ')
}

const SIGNS: Readonly<Partial<Record<Notice['reason'], string>>> = {
  recovered: '✅',
  acknowledged: '👀',
  test: '🧪',
}

function signOf({ reason, severity }: Notice): string {
  return SIGNS[reason] ?? (severity === 'critical' ? '🔴' : '🟠')
}

/** Neither a name of a column nor a message of a model mentions a channel or makes a link. */
function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

function cut(text: string, charsMax: number): string {
  return text.length <= charsMax ? text : `${text.slice(0, charsMax - 1).toWellFormed()}…`
}

/** Whole lines, so that no escape is cut in two. */
function cutLines(lines: readonly string[], charsMax: number): string {
  let text = ''
  for (const [at, line] of lines.entries()) {
    const short = cut(line, 500)
    if (text.length + short.length + 20 > charsMax) return `${text}and ${lines.length - at} more`
    text += `${short}\n`
  }
  return text.trimEnd() || ' '
}
