// The bundler turns imported style sheets into dist/webview/panel.css.
declare module '*.css';
