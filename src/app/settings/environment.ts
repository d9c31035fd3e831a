/** The process environment, for those who take it as a parameter. */
export const environment: Readonly<Record<string, string | undefined>> = process.env
