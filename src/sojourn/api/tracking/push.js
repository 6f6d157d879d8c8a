// Shows Sojourn's notifications: importScripts this file in the service worker of your site.
self.addEventListener("push", (event) => {
  const { title, url, ...options } = event.data ? event.data.json() : {};
  event.waitUntil(self.registration.showNotification(title || "", { ...options, data: { url } }));
});

self.addEventListener("notificationclick", (event) => {
  const url = event.notification.data && event.notification.data.url;
  event.notification.close();
  if (url) event.waitUntil(self.clients.openWindow(url));
});
