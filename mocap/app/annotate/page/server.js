// What is asked of the server. Addresses are relative to the page's own, which has the token in it.

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
  ask(`samples/${index}`, { ...sending("PUT", sample), keepalive: true }); // goes on when the page is closed
export const readGuess = (index) => ask(`guesses/${index}`, sending("POST", {}));
export const fillLine = (first, last) => ask(`lines/${first}`, sending("POST", { last }));
export const bend = () => ask("motion", sending("POST", {}));
export const pictureAddress = (index) => `api/pictures/${index}`;

/** Why a picture is not shown: the server sends a still as it is, and finds it damaged when it looks inside. */
export async function pictureComplaint(index) {
  for (const address of [pictureAddress(index), `api/samples/${index}`]) {
    const response = await fetch(address);
    if (!response.ok) return (await response.json()).error;
  }
  return "the browser cannot show this picture";
}
