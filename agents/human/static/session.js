// Sign-in over HTTP. The sign-in itself is a cookie that no script can read.

let csrf = "";

async function ask(path, body) {
  const options = body === undefined ? {} : {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-CSRF": csrf },
    body: JSON.stringify(body),
  };
  const response = await fetch(path, { cache: "no-store", credentials: "same-origin", ...options });
  const told = await response.json().catch(() => ({ reason: `the server said ${response.status}` }));
  if (!response.ok) throw Object.assign(new Error(told.reason), { status: response.status });
  csrf = told.csrf ?? "";
  return told;
}

export const csrfToken = () => csrf;
export const session = () => ask("/api/session");
export const signIn = (name, password) => ask("/api/sign-in", { name, password });
export const useLink = (token, password) => ask("/api/link", { token, password });
export const renew = () => ask("/api/renew", {});
export const signOut = () => ask("/api/sign-out", {});
