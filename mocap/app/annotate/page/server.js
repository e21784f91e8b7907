// Requests to the server. Addresses are relative to the page's own, which contains the token.

export class Refused extends Error {
  constructor(message, status, answer) {
    super(message);
    this.status = status;
    this.answer = answer;
  }
}

async function ask(path, options = {}) {
  const response = await fetch(`api/${path}`, options);
  const answer = await response.json().catch(() => ({ error: `the server answers with ${response.status}` }));
  if (!response.ok) throw new Refused(answer.error, response.status, answer);
  return answer;
}

const sending = (method, body) => ({
  method,
  body: JSON.stringify(body),
  headers: { "Content-Type": "application/json" },
});

export const readSet = () => ask("set");
export const readSample = (index) => ask(`samples/${index}`);
export const writeSample = (index, sample) =>
  ask(`samples/${index}`, { ...sending("PUT", sample), keepalive: true }); // continues when the page is closed
export const readGuess = (index) => ask(`guesses/${index}`, sending("POST", {}));
export const fillLine = (first, last) => ask(`lines/${first}`, sending("POST", { last }));
export const applyCorrections = () => ask("motion", sending("POST", {}));
export const imageAddress = (index) => `api/images/${index}`;

/** Why an image cannot be shown. The server sends image files unchecked, and detects damage only when it decodes them. */
export async function imageComplaint(index) {
  for (const address of [imageAddress(index), `api/samples/${index}`]) {
    const response = await fetch(address);
    if (!response.ok) return (await response.json()).error;
  }
  return "the browser cannot show this image";
}
