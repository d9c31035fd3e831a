import { aboutOf, labelText, NAMED_MAX, type Notice } from '#alerting'

/** A mail, but for who sends it to whom. */
export interface Mail {
  readonly subject: string
  readonly text: string
  readonly html: string
  /** Mails about one group of alerts are one conversation. */
  readonly thread: string
}

const SUBJECT_CHARS_MAX = 200

export function mailOf(notice: Notice): Mail {
  const { title, group } = notice
  const subject = `[${notice.reason === 'recovered' ? 'ok' : notice.severity}] ${title}`
  return {
    subject: subject.replaceAll(/\s+/g, ' ').slice(0, SUBJECT_CHARS_MAX).toWellFormed(),
    text: textOf(notice),
    html: htmlOf(notice),
    thread: group,
  }
}

function factsOf({ project, labels, open, over, sinceMs }: Notice): string {
  return `${labelText({ ...labels, project })}, ${open} open, ${over} over, since ${new Date(sinceMs).toISOString()}`
}

function textOf(notice: Notice): string {
  const { title, troubles, acknowledged, link } = notice
  const named = troubles.slice(0, NAMED_MAX).map((trouble) => {
    const state = trouble.clearedMs === null ? trouble.severity : 'over'
    return `- ${state}: ${aboutOf(trouble)}: ${trouble.detail}`
  })
  const more = troubles.length - named.length
  return [
    title,
    '',
    ...named,
    ...(more > 0 ? [`and ${more} more`] : []),
    ...(acknowledged === null
      ? []
      : ['', `${acknowledged.by} looks after it. ${acknowledged.comment}`]),
    '',
    factsOf(notice),
    ...(link === null ? [] : [link]),
    '',
  ].join('\n')
}

function htmlOf(notice: Notice): string {
  const { title, troubles, acknowledged, link } = notice
  const rows = troubles.slice(0, NAMED_MAX).map((trouble) => {
    const state = trouble.clearedMs === null ? trouble.severity : 'over'
    return `<tr><td>${state}</td><td>${escaped(aboutOf(trouble))}</td><td>${escaped(trouble.detail)}</td></tr>`
  })
  const more = troubles.length - rows.length
  return [
    `<h2>${escaped(title)}</h2>`,
    `<table border="0" cellpadding="6">${rows.join('')}</table>`,
    more > 0 ? `<p>and ${more} more</p>` : '',
    acknowledged === null
      ? ''
      : `<p>${escaped(acknowledged.by)} looks after it. ${escaped(acknowledged.comment)}</p>`,
    `<p><small>${escaped(factsOf(notice))}</small></p>`,
    link === null ? '' : `<p><a href="${escaped(link)}">Look at it</a></p>`,
  ].join('\n')
}

function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}
