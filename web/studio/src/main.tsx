import { render } from "preact";
import { pressed } from "./keys";
import { arrive, refresh, refreshMesh, start } from "./state";
import "./style.css";
import { takeTurns } from "./turns";
import { App } from "./views/app";

const LOOK_MS = 1500;
const MESH_MS = 5000;

addEventListener("hashchange", () => void arrive());
addEventListener("keydown", pressed);

takeTurns();

const page = document.getElementById("page");
if (page !== null) render(<App />, page);
void start();

// what nobody looks at asks for nothing
setInterval(() => document.visibilityState === "visible" && void refresh(), LOOK_MS);
setInterval(() => document.visibilityState === "visible" && void refreshMesh(), MESH_MS);
